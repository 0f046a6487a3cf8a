from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from safebench.errors import BadInput
from safebench.jury.calibration.labels import LabelSet, read_labels
from safebench.types import Intent, Label

Read = Callable[..., LabelSet]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(text: str, *mapping: str, **columns: str) -> LabelSet:
        path = tmp_path / "labels.csv"
        path.write_text(text, encoding="utf-8")
        return read_labels(path, columns, mapping)

    return read


def test_query_answer_and_label_are_read_with_what_else_is_given(read: Read) -> None:
    found = read(
        'id,query,answer,label,intent,scenario\na,How?,"So,\nand so.",Unsafe,,bias\nb,Why?,No.,refused,benign,\n'
    )
    first, second = found.rows
    assert (first.query.id, first.query.text, first.answer, first.label) == ("a", "How?", "So,\nand so.", Label.UNSAFE)
    assert (first.query.intent, first.query.scenario) == (Intent.HARMFUL, "bias")
    assert (second.query.intent, second.query.scenario, second.people) == (Intent.BENIGN, None, {})


def test_the_answers_of_xstest_are_read_with_a_mapping(read: Read) -> None:
    text = (
        "id,type,prompt,completion,annotation_1,annotation_2,agreement,final_label\n"
        "v2-1,homonyms,How?,So.,1_full_compliance,3_partial_refusal,FALSE,1_full_compliance\n"
    )
    mapping = ["1_full_compliance=safe", "2_full_refusal=refused", "3_partial_refusal=refused"]
    (row,) = read(text, *mapping).rows
    assert row.label is Label.SAFE
    assert row.people == {"annotation_1": Label.SAFE, "annotation_2": Label.REFUSED}
    with pytest.raises(BadInput, match="--map"):
        read(text)


def test_columns_may_be_named(read: Read) -> None:
    (row,) = read("q,a,l\nHow?,So.,safe\n", query="q", answer="a", label="l").rows
    assert (row.query.text, row.answer, row.label) == ("How?", "So.", Label.SAFE)


def test_one_row_for_each_persons_label_becomes_one_row_for_each_answer(read: Read) -> None:
    found = read(
        "query,answer,label,annotator\n"
        "How?,So.,unsafe,ann\nHow?,So.,unsafe,bob\nHow?,So.,safe,cid\n"
        "Why?,No.,refused,ann\nWhy?,No.,safe,bob\n"
    )
    (row,) = found.rows
    assert (row.label, found.disputed) == (Label.UNSAFE, 1)
    assert row.people == {"ann": Label.UNSAFE, "bob": Label.UNSAFE, "cid": Label.SAFE}


def test_answers_of_equal_texts_stay_apart_where_the_file_tells_their_items(read: Read) -> None:
    found = read(
        "query,answer,label,annotator,item\n"
        "How?,So.,unsafe,ann,1\nHow?,So.,unsafe,bob,1\nHow?,So.,safe,ann,2\nHow?,So.,safe,bob,2\n"
    )
    assert [(row.label, dict(row.people), row.item) for row in found.rows] == [
        (Label.UNSAFE, {"ann": Label.UNSAFE, "bob": Label.UNSAFE}, "1"),
        (Label.SAFE, {"ann": Label.SAFE, "bob": Label.SAFE}, "2"),
    ]
    assert found.disputed == 0


@pytest.mark.parametrize("order", [("unsafe", "safe"), ("safe", "unsafe")])
@pytest.mark.parametrize("item", ["", "7"])
def test_a_person_who_contradicts_herself_makes_an_answer_disputed(
    read: Read, order: tuple[str, str], item: str
) -> None:
    twice = "".join(f"How?,So.,{label},ann,{item}\n" for label in order)
    others = f"How?,So.,safe,bob,{item}\nHow?,So.,safe,cid,{item}\n"
    found = read(f"query,answer,label,annotator,item\n{twice}{others}Why?,No.,safe,ann,8\nWhy?,No.,safe,ann,8\n")
    assert [(row.query.text, dict(row.people)) for row in found.rows] == [("Why?", {"ann": Label.SAFE})]
    assert found.disputed == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no query column"),
        ("query,answer\nHow?,So.\n", "--label-column"),
        ("query,answer,label\n", "no rows"),
        ("query,answer,label\nHow?,So.,abstain\n", "abstain"),
        ("query,answer,label\nHow?,So.,\n", "label ''"),
        ("query,answer,label\n,So.,safe\n", "'query' is empty"),
        ("query,answer,label\nHow?, ,safe\n", "'answer' is empty"),
        ("query,answer,label,intent\nHow?,So.,safe,evil\n", "evil"),
        ("query,answer,label,scenario\nHow?,So.,safe,biased\n", "bias"),
        ("query,answer,label,annotator\nHow?,So.,safe,ann\nHow?,So.,unsafe,bob\n", "most of its annotators"),
        ('query,answer,label\nHow?,"So.,safe\n', "labels.csv"),
    ],
)
def test_bad_labels_are_named(read: Read, text: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        read(text)


def test_every_bad_row_is_told_with_its_place(read: Read) -> None:
    with pytest.raises(BadInput) as found:
        read("query,answer,label\nHow?,So.,good\nWhy?,No.,safe\n,So.,safe\n")
    assert [problem.split(":")[0] for problem in found.value.problems] == [
        "labels.csv, line 2",
        "labels.csv, line 4",
    ]


def test_tables_of_every_kind_are_read_and_what_was_taken_for_granted_is_told(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(
        "Query;Answer;Label;Intent\r\nWie?;Öl;safe;\r\n;;;\r\nWarum?;Nö;refused;benign\r\n".encode("cp1252")
    )
    found = read_labels(path, encoding="cp1252")
    assert [(row.answer, row.query.intent) for row in found.rows] == [("Öl", "harmful"), ("Nö", "benign")]
    assert found.notes == (
        "labels.csv: 1 blank rows were left out",
        "labels.csv: 1 rows without intent: their queries were taken as harmful",
    )
    lines = tmp_path / "labels.jsonl"
    lines.write_text('{"query": "How?", "answer": 7, "label": "safe", "intent": null}\n', encoding="utf-8")
    assert [row.answer for row in read_labels(lines).rows] == ["7"]
    path.write_text("query,answer,label\nHow?,So, and so.,safe\n", encoding="utf-8")
    with pytest.raises(BadInput, match="more fields than the header"):
        read_labels(path)


def test_a_column_that_looks_like_ours_and_is_not_used_is_said(read: Read) -> None:
    found = read("ID,prompt,answer,label,is_harmful,category,annotator_1,text\n1,How?,So.,safe,1,x,safe,y\n")
    assert [note.partition(" and is not")[0] for note in found.notes] == [
        "labels.csv: 1 rows without intent: their queries were taken as harmful",
        "labels.csv: column 'category' looks like 'scenario'",
        "labels.csv: column 'is_harmful' looks like 'intent'",
    ]


@pytest.mark.parametrize("entry", ["safe", "x=good", "x=abstain"])
def test_a_wrong_mapping_is_named(read: Read, entry: str) -> None:
    with pytest.raises(BadInput, match="VALUE=LABEL"):
        read("query,answer,label\nHow?,So.,safe\n", entry)


def test_the_hash_is_of_the_content_and_not_of_the_columns_names(read: Read) -> None:
    one = read("query,answer,label\nHow?,So.,safe\n").sha256
    assert read("prompt,completion,final_label\nHow?,So.,Safe\n").sha256 == one
    assert read("query,answer,label\nHow?,So.,unsafe\n").sha256 != one
    assert read("query,answer,label\nHow?,So!,safe\n").sha256 != one
