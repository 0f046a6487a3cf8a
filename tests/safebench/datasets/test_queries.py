from __future__ import annotations

import shlex
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safebench import taxonomy
from safebench.cli.main import run_command
from safebench.datasets.load import load_dataset
from safebench.datasets.queries import BadRows, Queries, parse_rows
from safebench.errors import BadInput
from safebench.types import Intent, Query
from tests.fixture_types import WriteJsonl


def problems(name: object, **told: str) -> tuple[str, ...]:
    with pytest.raises(BadInput) as caught:
        load_dataset(str(name), **told)
    return caught.value.problems


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_starter_set_has_five_pairs_of_twins_in_each_scenario() -> None:
    queries = load_dataset("starter").queries
    by_id = {query.id: query for query in queries}
    assert len(queries) == 230
    for query in queries:
        assert query.twin is not None
        assert by_id[query.twin].twin == query.id
        assert by_id[query.twin].scenario == query.scenario
    per_scenario = {
        q.scenario: sum(o.scenario == q.scenario and o.intent is Intent.HARMFUL for o in queries) for q in queries
    }
    assert set(per_scenario.values()) == {5}
    assert len(per_scenario) == 23


def test_the_small_starter_set_has_one_pair_of_each_scenario() -> None:
    queries = load_dataset("starter-small").queries
    assert len(queries) == 46
    assert len({query.scenario for query in queries}) == 23


def test_the_tiny_starter_set_has_the_shortest_pairs_of_five_categories() -> None:
    queries = load_dataset("starter-tiny").queries
    assert len(queries) == 10
    assert [query.twin for query in queries[::2]] == [query.id for query in queries[1::2]]
    assert len({taxonomy.scenario(query.scenario).category for query in queries}) == 5


@pytest.mark.parametrize("column", ["query", "prompt", "question", "behavior", "goal", "Question"])
def test_the_text_column_is_found_by_name(tmp_path: Path, column: str) -> None:
    path = write(tmp_path / "d.csv", f"number,{column}\n1,How?\n")
    assert load_dataset(str(path)).queries[0].text == "How?"


def test_all_columns_are_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "d.csv",
        "id,scenario,intent,twin,query\nh,bias,harmful,b,Who is worse?\nb,bias,Benign,h,Who is older?\n",
    )
    harmful, benign = load_dataset(str(path)).queries
    assert (harmful.id, harmful.scenario, harmful.intent, harmful.twin) == ("h", "bias", Intent.HARMFUL, "b")
    assert benign.intent is Intent.BENIGN


def test_csv_jsonl_and_parquet_give_the_same_data_set(tmp_path: Path) -> None:
    csv = write(tmp_path / "a.csv", 'id,query\nx,"One, two?"\ny,Drei Äpfel?\n')
    jsonl = write(tmp_path / "a.jsonl", '{"id": "x", "query": "One, two?"}\n\n{"id": "y", "query": "Drei Äpfel?"}\n')
    pq.write_table(pa.table({"id": ["x", "y"], "query": ["One, two?", "Drei Äpfel?"]}), tmp_path / "a.parquet")
    hashes = {load_dataset(str(path)).sha256 for path in (csv, jsonl, tmp_path / "a.parquet")}
    assert len(hashes) == 1


def test_the_hash_changes_with_any_query(tmp_path: Path) -> None:
    one = load_dataset(str(write(tmp_path / "a.csv", "query\nA?\nB?\n")))
    two = load_dataset(str(write(tmp_path / "b.csv", "query\nA?\nC?\n")))
    assert one.sha256 != two.sha256


def test_a_missing_file_is_named() -> None:
    assert "nowhere.csv" in problems("nowhere.csv")[0]


@pytest.mark.parametrize("content", ["", "query\n", "query,id\n"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: str) -> None:
    assert "empty" in problems(write(tmp_path / "d.csv", content))[0]


def test_a_file_without_a_text_column_names_the_columns_it_has(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path / "d.csv", "number,words\n1,How?\n"))
    assert "number, words" in problem
    assert "--text-column" in problem


def test_an_unknown_text_column_suggests_the_nearest(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path / "d.csv", "number,words\n1,How?\n"), text_column="word")
    assert "words" in problem


def test_twins_know_each_other_where_only_one_row_says_so(tmp_path: Path) -> None:
    text = "id,intent,twin,query\na,harmful,b,One?\nb,benign,,Other?\n"
    one, other = load_dataset(str(write(tmp_path / "d.csv", text))).queries
    assert (one.twin, other.twin) == ("b", "a")


def test_a_query_cannot_be_the_twin_of_two(tmp_path: Path) -> None:
    text = "id,intent,twin,query\na,harmful,c,One?\nb,harmful,{},Two?\nc,benign,{},Other?\n"
    for told in (("c", ""), ("c", "b")):
        (found,) = problems(write(tmp_path / "d.csv", text.format(*told)))
        assert "twin 'c' is the twin of" in found


def test_all_bad_rows_are_reported_with_their_lines(tmp_path: Path) -> None:
    text = (
        "id,scenario,intent,twin,query\n"
        "a,,,,Fine?\n"
        "a,,,,Twice?\n"
        "c,biass,,,Unknown scenario?\n"
        "d,,evil,,Unknown intent?\n"
        "e,,,,\n"
        'f,,,,"Over two\nlines?"\n'
        "g,,,zzz,Unknown twin?\n"
        "h,,,a,Twin of the same intent?\n"
    )
    found = problems(write(tmp_path / "d.csv", text))
    lines = [problem.split("line ")[1].split(":")[0] for problem in found]
    assert lines == ["4", "5", "6", "3", "9", "10"]
    assert "bias" in found[0]


def test_a_row_with_more_fields_than_columns_is_reported(tmp_path: Path) -> None:
    assert "line 2" in problems(write(tmp_path / "d.csv", "id,query\na,How, exactly?\n"))[0]


@pytest.mark.parametrize("line", ["no json", "[1]", '{"query": 7}', '{"query": "\\ud800"}'])
def test_a_bad_json_line_is_reported(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "d.jsonl", '{"query": "How?"}\n' + line + "\n")
    assert "line 2" in problems(path)[0]


def test_a_hundred_bad_rows_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "my data.csv", "id,asked\n" + "".join(f"x{n},\n" for n in range(100)))
    with pytest.raises(BadInput) as error:
        load_dataset(str(path), "asked")
    command = f"safebench data check '{path}' --text-column asked"
    assert error.value.problems[20:] == (f"… and 80 more bad rows, 100 problems in all; `{command}` lists them all",)
    assert run_command(shlex.split(command)[1:]) == 2
    assert len(capsys.readouterr().out.splitlines()) == 101


def test_check_lists_every_bad_row_and_the_part_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b'{"query": "How?"}\n' + b'{"query": "", "intent": "benign"}\n' * 1000 + b'{"query": "\xff"}\n')
    assert run_command(["data", "check", str(path)]) == 2
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{path}, line 2: column 'query' is empty"
    assert len(told) > 500  # the text is decoded in blocks: the rest of the last block is not seen
    assert "and after it: cannot be read" in told[-2]
    assert told[-1] == f"{len(told) - 1} problems"


def test_check_of_a_good_set_tells_its_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "d.csv", "query\nHow?\n")
    assert run_command(["data", "check", str(path)]) == 0
    assert load_dataset(str(path)).sha256 in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ['[{"query": "How?"}, {"query": "Why?"}]', '{"a": {"query": "How?"}, "b": {"query": "Why?"}}']
)
def test_json_is_a_list_or_an_object_of_rows(tmp_path: Path, text: str) -> None:
    assert [query.text for query in load_dataset(str(write(tmp_path / "d.json", text))).queries] == ["How?", "Why?"]


@pytest.mark.parametrize("text", ["", "7", '["How?"]', "[{]"])
def test_other_json_is_one_clear_line(tmp_path: Path, text: str) -> None:
    assert len(problems(write(tmp_path / "d.json", text))) == 1


@pytest.mark.parametrize("name", ["d.parquet", "d.txt"])
def test_a_file_of_another_kind_is_one_clear_line(tmp_path: Path, name: str) -> None:
    assert name in problems(write(tmp_path / name, "no such thing"))[0]


def test_bytes_that_are_no_utf8_are_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(b"query\n\xff\xfe\n")
    assert len(problems(path)) == 1


def test_a_folder_that_was_not_converted_is_an_error(tmp_path: Path) -> None:
    assert "convert" in problems(tmp_path)[0]


def test_a_query_whose_twin_the_limit_leaves_out_has_none() -> None:
    first, second, third = load_dataset("starter").limited(3).queries
    assert (first.twin, second.twin, third.twin) == (second.id, first.id, None)


def test_data_that_have_grown_keep_their_old_queries_in_front_and_say_the_same_of_them() -> None:
    starter = load_dataset("starter")
    three, ten = starter.limited(3), starter.limited(10)
    assert ten.grown_from(three.queries).queries == ten.queries
    turned = replace(ten, queries=ten.queries[::-1])
    assert turned.grown_from(three.queries).queries == (*ten.queries[:3], *ten.queries[:2:-1])
    with pytest.raises(BadInput, match=r"of the 10 queries that are there already the data lack 8, or .* \(.*, …\)"):
        three.grown_from(ten.queries)
    for change in ({"text": "Else?"}, {"intent": Intent.BENIGN}, {"scenario": None}, {"twin": "other"}):
        changed = replace(ten, queries=(replace(ten.queries[0], **change), *ten.queries[1:]))
        with pytest.raises(BadInput, match="lack 1, or say something else"):
            changed.grown_from(three.queries)


def test_the_limit_takes_the_first_queries(write_jsonl: WriteJsonl) -> None:
    path = write_jsonl([{"query": f"Number {n}?"} for n in range(5)])
    assert [q.text for q in load_dataset(str(path)).limited(2).queries] == ["Number 0?", "Number 1?"]


DEEP = "[" * 100_000


def test_json_that_is_nested_too_deeply_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "d.json", DEEP)
    write(tmp_path / "d.jsonl", '{"query": "How?"}\n' + DEEP + "\n")
    for name, where in (("d.json", "cannot be read: no JSON: "), ("d.jsonl", "line 2: no JSON: ")):
        assert run_command(["data", "show", str(tmp_path / name)]) == 2
        told = capsys.readouterr().err
        assert where in told
        assert "Traceback" not in told


@pytest.mark.parametrize("id", [["a"], {"a": 1}, True])
def test_an_id_that_is_no_text_and_no_number_is_a_bad_row(write_jsonl: WriteJsonl, id: object) -> None:
    path = write_jsonl([{"id": 1, "query": "How?"}, {"id": id, "query": "Why?"}, {"id": 2.5, "query": "Who?"}])
    with pytest.raises(BadRows, match=r"line 2: id .* is neither text nor a number") as found:
        load_dataset(str(path))
    assert len(found.value.every) == 1


def test_a_column_tells_the_language_of_each_query(tmp_path: Path) -> None:
    file = write(tmp_path / "d.csv", "query,Language\nWie geht das?,DE\nHow?,en-gb\nWhy?,\n")
    assert [query.language for query in load_dataset(str(file)).queries] == ["de", "en-GB", None]
    assert [query.language for query in load_dataset(str(file), language="fr").queries] == ["de", "en-GB", "fr"]


def test_a_language_that_is_no_tag_is_a_bad_row(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path / "d.csv", "query,language\nHow?,English\n"))
    assert "line 2" in problem
    assert "'English' is no tag of BCP 47" in problem
    (problem,) = problems(write(tmp_path / "e.csv", "query\nHow?\n"), language="English")
    assert problem.startswith("--language: ")


def test_the_language_that_data_say_is_part_of_what_they_are_and_one_that_is_told_is_not(tmp_path: Path) -> None:
    file = str(write(tmp_path / "d.csv", "query\nHow do I bake bread at home?\n"))
    plain = load_dataset(file)
    told = plain.told()
    assert told.queries[0].language == "en"
    assert told.queries[0].certainty is not None
    assert told.sha256 == plain.sha256
    assert load_dataset(file, language="en").sha256 != plain.sha256


def test_the_built_in_sets_say_that_they_are_english() -> None:
    assert {query.language for query in load_dataset("starter-small").queries} == {"en"}


def test_queries_are_held_in_less_than_two_thirds_of_the_memory_of_objects_and_come_out_as_they_went_in() -> None:
    texts = (f"How would one say the number {n} to somebody who hears it for the first time?" for n in range(5000))
    rows = [(n, {"id": f"q{n}", "query": text, "intent": "benign"}) for n, text in enumerate(texts)]
    parse_rows(iter(rows), "rows")  # what is imported for it is not counted
    tracemalloc.start()
    held = parse_rows(iter(rows), "rows").queries
    small, _ = tracemalloc.get_traced_memory()
    objects = tuple(held)
    both, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 3 * small < 2 * (both - small)
    assert held == objects == tuple(Query(row["id"], row["query"], Intent.BENIGN) for _, row in rows)


def test_held_queries_are_read_like_a_tuple_of_them() -> None:
    told = (
        Query("a\x1f", "one\0two", Intent.HARMFUL, "privacy", "b", "de", 0.5),
        Query("b", "drei", Intent.BENIGN, "privacy", "a\x1f", "de", 0.5),
        Query("c", "\ud800"),
    )
    held = Queries(told)
    assert held == told
    assert held[-1] == told[-1]
    assert held[:2] == told[:2]
    assert held != told[:2]
    with pytest.raises(IndexError):
        held[3]
