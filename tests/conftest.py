"""What the tests stand on: a tiny backbone, tiny labelled files under a card, and one tiny release made of them.

All of it is built here in seconds; nothing is downloaded, and torch is imported only by who asks for the backbone.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from changing_place import Place, make_place  # type: ignore[import-not-found]  # pytest finds it beside this file
from sqlalchemy import Engine

from models.detector import Detector
from models.lexicon import Lexicon, Term
from models.release import Release, load_detector
from models.verdict import NpsClass, Status

# `datasets` takes its cache folder from the environment when it is imported, which a test file may do.
_CACHE = tempfile.TemporaryDirectory(prefix="npsight-tests-")
os.environ |= {
    "HF_HOME": _CACHE.name,
    "HF_DATASETS_CACHE": f"{_CACHE.name}/datasets",
    "HF_HUB_OFFLINE": "1",
    "XDG_DATA_HOME": f"{_CACHE.name}/state",  # the store of who runs the tests is not theirs to touch
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "COLUMNS": "200",  # tables and help texts wrap at the same place everywhere
    "NO_COLOR": "1",
}

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
DRUGS = ("2-MMC", "3-CMC", "mephedrone", "ketamine", "flubromazolam", "zorple")
CARD = """---
license: cc0-1.0
npsight:
  files:
    posts.jsonl: {{sha256: {posts}, rows: {post_rows}}}
    listings.csv: {{sha256: {listings}, rows: {listing_rows}}}
  columns: {{label: intent, group: pair}}
  labels:
    - {{when: {{intent: ad}}, intents: advert}}
    - {{when: {{intent: no_ad}}, intents: not_advert}}
    - {{when: {{intent: sell}}, intents: [sell]}}
    - {{when: {{intent: promote}}, intents: [promote]}}
    - {{when: {{intent: recruit}}, intents: [recruit]}}
    - {{when: {{intent: harm_reduction}}, intents: [harm_reduction]}}
    - {{when: {{intent: other}}, intents: [other]}}
  leave_out:
    - {{intent: unsure}}
---
# Tiny posts
"""

OFFER = {
    "sell": (
        *("fresh batch landed", "restock tonight", "back on shelf", "clean gear ready", "pure crystal bags"),
        *("menu open now", "vacuum sealed packs", "bulk deals going", "tested product here", "grams on offer"),
    ),
    "promote": (
        *("my plug delivers", "this vendor never fails", "follow the channel", "shop link inside", "go to his page"),
        *("five star seller", "mention me there", "their menu is real", "join the group", "trusted store found"),
    ),
    "recruit": (
        *("couriers wanted", "earn with parcels", "need drivers weekly", "receive boxes at home", "growers welcome"),
        *("pay per drop", "carry bags abroad", "no questions job", "runners for nights", "lend your address"),
    ),
}
TERMS_OF_SALE = (
    *("dm for prices", "crypto only", "stealth shipping", "write on signal", "drop within hours", "cash or coins"),
    *("worldwide post", "minimum order ten", "escrow fine", "hidden pickup spot"),
)
CALM = {
    "harm_reduction": (
        *("never use alone", "drug checking found", "overdose signs include", "carry naloxone", "start low go slow"),
        *("helpline is free", "recovery meeting today", "clean for a year", "call an ambulance", "stay with friends"),
    ),
    "other": (
        *("tomatoes grow well", "the library closes early", "our choir sings", "bread needs patience", "rain all week"),
        *("the train was late", "football on sunday", "my cat sleeps", "painting the fence", "new bicycle lights"),
    ),
}
ENDINGS = (
    *("what a lovely day", "see you at noon", "thanks to everyone", "photos will follow", "the council agreed"),
    *("neighbours were kind", "coffee afterwards", "children laughed", "museum is open", "happy birthday maria"),
)
Entry = dict[str, Any]


def _posts(rng: random.Random) -> Iterator[Entry]:
    """Yield fully labelled posts: adverts name a drug and say how to buy, the rest does not."""
    for number in range(110):
        label = ("sell", "harm_reduction", "promote", "other", "recruit", "other")[number % 6]
        pools = (OFFER[label], TERMS_OF_SALE) if label in OFFER else (CALM[label], ENDINGS)
        named = [rng.choice(DRUGS)] if label in ("sell", "promote", "harm_reduction") else []
        text = " ".join([*rng.sample(pools[0], 2), *named, *rng.sample(pools[1], 2)])
        start = text.index(named[0]) if named else 0
        spans = [{"start": start, "end": start + len(name), "kind": "substance", "obfuscated": False} for name in named]
        yield {"id": f"p{number}", "text": text, "intent": label, "lang": "en", "source": "authored", "spans": spans}


def _listings(rng: random.Random) -> Iterator[Entry]:
    """Yield rows that say only advert or not, of an ordinary stream and of a market."""
    for number in range(120):
        label = ("ad", "no_ad", "no_ad")[number % 3]
        pools = (OFFER["sell"], TERMS_OF_SALE) if label == "ad" else (CALM["other"], ENDINGS)
        named = [rng.choice(DRUGS)] if label == "ad" else []
        text = " ".join([*rng.sample(pools[0], 3), *named, *rng.sample(pools[1], 2)])
        source = "market" if label == "ad" else ("stream/town", "stream/sport")[number % 2]
        yield {"id": f"l{number}", "text": text, "intent": label, "source": source}


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `posts.jsonl`, `listings.csv` and their data card."""
    folder = tmp_path_factory.mktemp("tiny_data")
    posts, listings = list(_posts(random.Random(1))), list(_listings(random.Random(2)))
    with (folder / "posts.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(post) + "\n" for post in posts)
    with (folder / "listings.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(listings[0]))
        writer.writeheader()
        writer.writerows(listings)
    sums = {name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if (name := path.stem)}
    card = CARD.format(**sums, post_rows=len(posts), listing_rows=len(listings))
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_lexicon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Terms for the drugs of the tiny data, but for `zorple`, which only context gives away."""
    classes = (NpsClass.CATHINONES, NpsClass.CATHINONES, NpsClass.CATHINONES, NpsClass.ARYLCYCLOHEXYLAMINES)
    listed = zip(DRUGS, (*classes, NpsClass.BENZODIAZEPINES), strict=False)
    path = tmp_path_factory.mktemp("tiny_lexicon") / "lexicon.tsv"
    Lexicon(Term(name, name, nps_class, status=Status.CONFIRMED) for name, nps_class in listed).save(path)
    return path


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer BERT with a tokenizer as XLM-R has it, in a folder."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("backbones") / "tiny-bert"
    pieces = _pieces()
    torch.set_num_threads(1)  # so small a network only waits for its second thread
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(pieces) + 1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        pad_token_id=SPECIAL.index("<pad>"),
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    save_tiny_tokenizer(pieces, folder / "tokenizer.json")
    return folder


def _pieces() -> list[str]:
    """List whole words of the tiny data first, then letters, so that any Latin word can be read."""
    said = [phrase for pool in (*OFFER.values(), TERMS_OF_SALE, *CALM.values(), ENDINGS) for phrase in pool]
    words = sorted({f"▁{word}" for phrase in said for word in phrase.split()})
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.,!?@/€£$"
    return [*SPECIAL, *words, *dict.fromkeys([*(f"▁{letter}" for letter in letters), *letters])]


def save_tiny_tokenizer(pieces: list[str], path: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

    letter, word = -10.0, -5.0  # a whole word is likelier than its letters
    scores = [(piece, word if len(piece) > 2 else letter) for piece in pieces]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=SPECIAL.index("<unk>"), byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens([*SPECIAL, AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(path))


@pytest.fixture(scope="session")
def tiny_config() -> dict[str, Any]:
    """Settings under which the tiny network learns the tiny data within seconds."""
    return {
        "max_tokens": 48,
        "stride": 12,
        "epochs": 20,
        "batch_size": 16,
        "learning_rate": 5e-3,
        "head_learning_rate": 1e-2,
        "parity_rows": 40,
        "sample": {"calibrate_share": 0.25, "test_share": 0.25, "ordinary": ["stream/*"]},
    }


@pytest.fixture(scope="session")
def tiny_release(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_data: Path,
    tiny_lexicon: Path,
    tiny_backbone: Path,
    tiny_config: dict[str, Any],
) -> Release:
    """A release as `npsight train` makes it, of the tiny backbone and the tiny data."""
    from training.config import config_from
    from training.pipeline import Order, start_from_backbone, train_release

    config = config_from(tiny_config)
    order = Order(
        data=[str(tiny_data / "posts.jsonl"), str(tiny_data / "listings.csv")],
        start=start_from_backbone(str(tiny_backbone), config),
        config=config,
        cards=tiny_data.parent / "no_cards",
        lexicon=tiny_lexicon,
        version="2026.1.1",
        command="npsight train --tiny",
    )
    return train_release(order, tmp_path_factory.mktemp("tiny_release") / "2026.1.1")


@pytest.fixture(scope="session")
def tiny_detector(tiny_release: Release) -> Detector:
    return load_detector(tiny_release, threads=1)


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    """Run one PostgreSQL for all tests of a session."""
    from postgres_server import postgres_server  # type: ignore[import-not-found]  # pytest finds it beside this file

    with postgres_server() as server:
        yield server.socket


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of an empty database, of each kind in turn."""
    from postgres_server import new_database

    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'npsight.db'}"
    url: str = new_database(request.getfixturevalue("postgres_socket"), f"t{uuid4().hex}")
    return url


@pytest.fixture
def place(tmp_path: Path, tiny_release: Release) -> Place:
    """A registry, a policies folder and a terms file that a test may change while they are served."""
    return make_place(tmp_path, tiny_release)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Open an empty store with its tables, of each kind in turn."""
    from serving.store.engine import open_engine
    from serving.store.upgrade import upgrade

    engine = open_engine(database_url)
    upgrade(engine)
    yield engine
    engine.dispose()
