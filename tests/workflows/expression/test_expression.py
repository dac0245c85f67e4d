"""GitHub's expressions, by the rules and examples of its documentation."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.expression.evaluation import Scope, split
from tests.workflows.expression.functions import hash_files
from tests.workflows.expression.syntax import BadExpression, parse
from tests.workflows.expression.value import CaseSensitive

FRUITS = [{"name": "apple", "quantity": 1}, {"name": "orange"}, {"name": "pear", "quantity": 2}]
SCOPE = Scope(
    {
        "github": {"ref": "refs/heads/main", "event": {"issue": {"labels": FRUITS}}, "actor": "Octocat"},
        "fruits": FRUITS,
        "vegetables": {"scallions": {"colors": ["green", "white"]}, "beets": {"colors": ["purple"]}},
        "env": CaseSensitive({"Name": "here"}),
        "empty": {},
    }
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("true", True),
        ("711", 711),
        ("-9.2", -9.2),
        ("0xff", 255),
        ("-2.99e-2", -0.0299),
        ("'It''s open source!'", "It's open source!"),
        ("''", ""),
        # What is compared is made a number, where the kinds differ.
        ("null == 0", True),
        ("true == 1", True),
        ("'' == 0", True),
        ("'12' == 12", True),
        ("'0x10' == 16", True),
        ("'a' == 0", False),
        ("NaN == NaN", False),
        ("NaN != NaN", True),
        ("null == ''", True),
        ("fruits == fruits", True),
        ("fromJSON('[]') == fromJSON('[]')", False),
        ("fruits == 'Array'", False),
        # Strings without case.
        ("'Octocat' == 'OCTOCAT'", True),
        ("'a' < 'B'", True),
        ("2 >= 2", True),
        ("true > false", True),
        ("'b' >= 'a' && 1 <= 1", True),
        ("fruits < 1", False),
        # An operand is what `&&` and `||` give.
        ("'' || 'default'", "default"),
        ("github.ref == 'refs/heads/main' && 'value_main' || 'value_other'", "value_main"),
        ("0 && 'never'", 0),
        ("!'' && !0 && !null", True),
        ("!fruits", False),
        ("1 == 1 && 2 == 3 || true", True),
        ("true || false && false", True),
        ("!true == false", True),
        ("(false || true) && false", False),
        ("1 < 2 == true", True),
        # Members.
        ("github.event.issue.labels[0].name", "apple"),
        ("github['REF']", "refs/heads/main"),
        ("GitHub.Actor", "Octocat"),
        ("github.nothing.of.this", None),
        ("fruits[7]", None),
        ("fruits['1'].name", "orange"),
        ("github.ref.length", None),
        ("env.Name", "here"),
        ("env.name", None),
        ("fruits.*.name", ["apple", "orange", "pear"]),
        ("fruits[*].quantity", [1, 2]),
        ("vegetables.*.colors", [["green", "white"], ["purple"]]),
        ("vegetables.*.colors.*", ["green", "white", "purple"]),
        ("github.ref.*", []),
        ("empty.*", []),
        # Functions.
        ("contains('Hello world', 'llo')", True),
        ("contains(github.event.issue.labels.*.name, 'PEAR')", True),
        ("contains(fromJSON('[1, 2]'), '2')", True),
        ("contains(empty, 'x')", False),
        ("startsWith('Hello world', 'he')", True),
        ("endsWith('Hello world', 'LD')", True),
        ("startsWith(123, 12)", True),
        ("format('Hello {0} {1} {2}', 'Mona', 'the', 'Octocat')", "Hello Mona the Octocat"),
        ("format('{{Hello {0}}}', true)", "{Hello true}"),
        ("format('{0}{0}', 1.0)", "11"),
        ("join(fruits.*.name, ', ')", "apple, orange, pear"),
        ("join(fruits.*.name)", "apple,orange,pear"),
        ("join('one')", "one"),
        ("fromJSON('{\"a\": [true, 1.5]}').A[1]", 1.5),
        ("toJSON(fruits[0].name)", '"apple"'),
        ("toJSON(fromJSON('{\"a\":[1,null]}'))", '{\n  "a": [\n    1,\n    null\n  ]\n}'),
        ("TOJSON(null)", "null"),
    ],
)
def test_an_expression_has_the_value_that_github_gives_it(text: str, value: Any) -> None:
    found = SCOPE.evaluate(text)
    assert (found, type(found) is bool) == (value, type(value) is bool)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("secrets.TOKEN", "no context 'secrets' here: empty, env, fruits, github, vegetables"),
        ("always()", "no function 'always' here"),
        ("sha256('a')", "no function 'sha256' here"),
        ("contains('a')", ": contains does not take 1 arguments"),
        ("github.ref = 'x'", "unexpected '='"),
        ("github.ref ==", "unexpected end"),
        ('"main"', "unexpected '\"'"),
        ("github..ref", "unexpected '.'"),
        ("(1", "unexpected end"),
        ("1 2", "unexpected '2'"),
        ("1x", "'1x' is no number"),
        ("format('{1}', 1)", "'{1}' has no value"),
        ("format('{', 1)", "'{' has no value"),
        ("fromJSON('[')", "fromJSON('['): Expecting value"),
        ("a + b", "unexpected '+'"),
        ("", "unexpected end"),
    ],
)
def test_what_github_refuses_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadExpression) as refused:
        SCOPE.evaluate(text)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${{ true }}", True),
        ("a ${{ true }}-${{ null }}.", "a true-."),
        ("${{ 1.50 }}${{ 2 }}", "1.52"),
        ("${{ fruits }} ${{ github }}", "Array Object"),
        ("${{ '}}' }}", "}}"),
        ("${{ format('{{{0}}}', 'a') }}", "{a}"),
        ("$ {{ true }}", "$ {{ true }}"),
    ],
)
def test_a_text_is_filled_in(text: str, value: Any) -> None:
    assert SCOPE.fill(text) == value


def test_all_texts_of_a_part_are_filled_in() -> None:
    part = {"a-${{ 1 }}": ["${{ fruits.*.name }}", 3], "b": None}
    assert SCOPE.filled(part) == {"a-1": [["apple", "orange", "pear"], 3], "b": None}


def test_an_expression_that_does_not_end_is_refused() -> None:
    with pytest.raises(BadExpression, match="has no"):
        SCOPE.fill("${{ 'a }}")


def _scope(status: str) -> Scope:
    functions = {
        name: (0, 0, lambda name=name: name == status) for name in ("success", "failure", "cancelled")
    }
    return Scope(SCOPE.contexts, {**functions, "always": (0, 0, lambda: True)})


@pytest.mark.parametrize(
    ("condition", "success", "failure", "cancelled"),
    [
        ("", True, False, False),
        ("true", True, False, False),
        (True, True, False, False),
        (False, False, False, False),
        ("github.ref == 'refs/heads/main'", True, False, False),
        ("${{ github.ref == 'refs/heads/main' }}", True, False, False),
        ("always()", True, True, True),
        ("failure()", False, True, False),
        ("!cancelled()", True, True, False),
        ("${{ !cancelled() }}", True, True, False),
        ("failure() || cancelled()", False, True, True),
        ("always() && github.nothing", False, False, False),
        ("github.nothing", False, False, False),
        ("'a' && fruits", True, False, False),
        # What stands around `${{ }}` makes a text of it, and a text holds.
        ("${{ false }} && true", True, False, False),
        ("!${{ always() }}", True, True, True),
    ],
)
def test_a_condition_asks_for_success_unless_it_asks_for_a_status(
    condition: Any, success: bool, failure: bool, cancelled: bool
) -> None:
    found = [_scope(status).holds(condition) for status in ("success", "failure", "cancelled")]
    assert found == [success, failure, cancelled]


def test_the_files_of_a_hash_are_those_that_the_patterns_mean(tmp_path: Path) -> None:
    for name in ("a/uv.lock", "b/c/uv.lock", "other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    hash_ = hash_files(tmp_path)
    both = hash_("**/uv.lock")
    assert len(both) == 64
    assert hash_("**/uv.lock", "!b/**") == hash_("a/*") != both
    assert hash_("nothing/*") == ""
    (tmp_path / "a/uv.lock").write_text("changed")
    assert hash_("**/uv.lock") != both


_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,5}", fullmatch=True)
_literals = st.one_of(
    st.text().map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.integers(-1000, 1000).map(str),
    st.sampled_from(["true", "false", "null"]),
)


def _larger(of: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(of, st.sampled_from(["&&", "||", "==", "!=", "<", "<=", ">", ">="]), of).map(" ".join),
        of.map("({})".format),
        of.map("!({})".format),
        st.tuples(of, of).map(lambda pair: f"contains({pair[0]}, {pair[1]})"),
        of.map("toJSON({})".format),
        st.tuples(_names, of).map(lambda pair: f"fromJSON('{{}}').{pair[0]}[{pair[1]}]"),
    )


@given(st.recursive(_literals, _larger, max_leaves=12))
def test_what_is_built_by_the_rules_is_understood(text: str) -> None:
    SCOPE.evaluate(text)
    spaced = f"  {text}\n"
    assert parse(spaced) == parse(text)
    assert parse(f"({text})") == parse(text)
    assert list(split(f"a${{{{{text}}}}}b")) == [(False, "a"), (True, text), (False, "b")]


@given(st.text(alphabet="ab1'.*[]()!=<>&|, ${}", max_size=20))
def test_any_text_is_understood_or_refused(text: str) -> None:
    for evaluate in (SCOPE.evaluate, SCOPE.fill):
        with contextlib.suppress(BadExpression):
            evaluate(text)


@given(st.text())
def test_a_text_comes_back_as_it_was_quoted(text: str) -> None:
    assert SCOPE.evaluate("'" + text.replace("'", "''") + "'") == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(),
        lambda of: st.lists(of) | st.dictionaries(st.text(), of),
    )
)
def test_json_comes_back(value: Any) -> None:
    text = json.dumps(value).replace("'", "''")
    assert json.loads(SCOPE.evaluate(f"toJSON(fromJSON('{text}'))")) == value
