import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.neardup import groups, load, save, seen, signature, sketch

WALK = "we walked along the river to the old mill and had cake with {} friends on the terrace"
BREAD = "her grandmother taught me to bake rye bread in a wood oven, which takes {} hours"


def test_copies_that_differ_in_numbers_and_contacts_are_one_group() -> None:
    texts = [WALK.format(3), BREAD.format(4), WALK.format(1250), BREAD.format("2.5").upper(), WALK.format(7) + " @one"]
    assert groups(texts).tolist() == [0, 1, 0, 1, 0]


def test_a_disguised_copy_is_a_copy() -> None:
    assert len(set(groups([WALK, WALK.replace("mill", "m\u0456ll").replace("cake", "c.a.k.e")]).tolist())) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ["ok", "no", "yes", "lol", "ok!"],
        ["", "  ", "\u200b"],
        ["5", "7"],
        ["2cb", "2ct"],
        ["\U0001f525", "\U0001f480"],
        ["thank you", "thank him"],
    ],
)
def test_short_texts_stay_apart(texts: list[str]) -> None:
    assert len(set(groups(texts).tolist())) == len(texts)


def test_equal_short_texts_are_one_group() -> None:
    assert groups(["ok", "no", "OK"]).tolist() == [0, 1, 0]


def test_a_higher_threshold_splits_what_a_lower_one_joins() -> None:
    texts = [WALK, WALK + " before the rain came down"]
    assert len(set(groups(texts, threshold=0.6).tolist())) == 1
    assert len(set(groups(texts, threshold=0.99).tolist())) == 2


def test_a_sketch_knows_what_it_saw_and_near_copies_of_it(tmp_path: Path) -> None:
    save(sketch([WALK, BREAD, "ok", ""]), tmp_path / "sketch.npy")
    texts = [WALK.format(9), "an utterly different sentence about the tides", "ok", "no", ""]
    assert seen(texts, load(tmp_path / "sketch.npy")).tolist() == [True, False, True, False, False]


def test_a_file_that_is_no_sketch_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "other.npy", np.zeros(3))
    with pytest.raises(ValueError, match="wanted a sketch"):
        load(tmp_path / "other.npy")


def test_nothing_in_gives_nothing_out() -> None:
    assert groups([]).shape == (0,)
    assert not seen(["a text of some length"], sketch([])).any()
    assert not len(seen([], sketch([WALK])))


def test_a_sketch_of_twenty_thousand_groups_stays_under_four_megabytes() -> None:
    letters = random.Random(0)
    texts = ["".join(letters.choices("abcdefghij ", k=40)) for _ in range(20_000)]
    kept = sketch(texts)
    assert len(kept) == 20_000
    assert kept.nbytes <= 4_000_000


def test_signatures_are_the_same_in_another_process() -> None:
    code = f"from models.neardup import signature; print(int(signature([{WALK!r}])[0].sum()))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == int(signature([WALK])[0].sum())


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec=None)), max_size=6))
def test_any_texts_have_signatures_and_equal_ones_share_a_group(texts: list[str]) -> None:
    assert signature(texts).shape[0] == len(texts)
    found = groups([*texts, *texts])
    filled = seen(texts, sketch(texts))
    assert all(found[at] == found[at + len(texts)] for at in np.flatnonzero(filled))
