import pytest

from bayes_ivig.errors import InputError
from bayes_ivig.tabular import MAX_COLUMNS, read_number, read_table, shown


def test_cells_are_stripped_and_empty_lines_left_out():
    table = read_table(b'\n study , x\n\na, 1 \n , \n"b, c",2\n', "t.csv")
    assert (table.header_line, table.header) == (2, ("study", "x"))
    assert table.rows == ((4, {"study": "a", "x": "1"}), (6, {"study": "b, c", "x": "2"}))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_byte_order_mark_and_any_line_ends(end, mark):
    data = (mark + end.join(["study,x", "Léger,1", ""])).encode()
    assert read_table(data, "t.csv").rows == ((2, {"study": "Léger", "x": "1"}),)


def test_a_row_is_numbered_by_the_line_it_begins_on():
    table = read_table(b'study,x\n"a\nb",1\nc,2\n', "t.csv")
    assert [line for line, _ in table.rows] == [2, 4]


BAD = [
    (b"", "t.csv: the file is empty"),
    (b"\n , \n", "t.csv: the file is empty"),
    (b"\xef\xbb\xbf", "t.csv: the file is empty"),
    (b"study,x\n", "there is a header but no trial"),
    ("study,x\nLéger,1\n".encode("latin-1"), "t.csv, line 2: byte 0xe9 is not UTF-8 text"),
    ("study,x\na,1\n".encode("utf-16-le"), "t.csv, line 1: a NUL byte is not text"),
    ("study,x\na,1\n".encode("utf-32"), "t.csv, line 1: a NUL byte is not text"),
    ("study,x\na,1\n".encode("utf-16")[:-1], "t.csv, line 2: bytes that are not UTF-16 text"),
    (b"study,x\na,1\0\n", "t.csv, line 2: a NUL byte is not text"),
    (b"study,x\na,1\nb\n", "t.csv, line 3: 1 cells found where the header has 2 columns"),
    (b"study,x\na,1,2\n", "t.csv, line 2: 3 cells found where the header has 2 columns"),
    (b"study,x,x\na,1,2\n", "t.csv, line 1: column 'x' appears more than once"),
    (b"study,,x\na,1,2\n", "t.csv, line 1: column 2 has no name"),
    (b"study|y|se\na|0.5|0.1\n", "line 1: the columns are separated by vertical bars; save the file with commas"),
    (b"study,x;y\na,1;2\n", "line 1: the header can be split by commas or by semicolons alike, into 2 columns"),
    (b"study;y\na;0,5;1\n", "t.csv, line 2: 3 cells found where the header has 2 columns; give each column its cell,"),
    (b'study,x\n"a,1\nb,2\n', "t.csv, line 2: not readable as comma-separated text"),
    (b'study,x\na,1\n"b"c,2\n', "t.csv, line 3: not readable as comma-separated text"),
    (b"study,x\n" + b"a" * 5_000_000 + b",1\n", "t.csv, line 2: not readable as comma-separated text"),
    (b"study," + b",".join(b"c%d" % i for i in range(700_000)) + b"\n", f"at most {MAX_COLUMNS} are read"),
    (b"," * 5_000_000 + b"x\n", f"5000001 columns found, at most {MAX_COLUMNS} are read"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("data", "words"), BAD, ids=[words for _, words in BAD])
def test_unreadable_files_are_refused_in_one_sentence(data, words):
    with pytest.raises(InputError) as refusal:
        read_table(data, "t.csv")
    message = str(refusal.value)
    assert words in message
    assert message.startswith("t.csv")
    assert ";" in message  # the remedy
    assert "\n" not in message
    assert len(message) < 250


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16"])
def test_separators_line_ends_and_encodings(sign, end, code):
    text = end.join([f"study{sign}x", f"Léger{sign}1", "", f'"a{sign}b"{sign}2', ""])
    table = read_table(text.encode(code), "t.csv")
    assert table.separator == sign
    assert table.rows == ((2, {"study": "Léger", "x": "1"}), (4, {"study": f"a{sign}b", "x": "2"}))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('study;"y, log";se\na;1;2', ("study", "y, log", "se")),
        ("study;y, log;se\na;1;2", ("study", "y, log", "se")),
        ("study,events,n,who; when\na,1,2,3", ("study", "events", "n", "who; when")),
        ("study\ty;z\tse,x\tw\na\t1\t2\t3", ("study", "y;z", "se,x", "w")),
    ],
)
def test_the_header_decides_the_separator(text, columns):
    assert read_table(text.encode(), "t.csv").header == columns


@pytest.mark.parametrize(("text", "value"), [("0,5", 0.5), ("-,5", -0.5), ("+1,25e-3", 0.00125), ("3", 3)])
def test_a_decimal_comma(text, value):
    assert read_number(text, count=False, comma=True) == value


@pytest.mark.parametrize(
    ("text", "comma", "words"),
    [
        ("1,5", False, "is not a number here: a comma is a decimal sign only in text separated by semicolons or tabs"),
        ("1.5", True, "has a point where other numbers of the file have a decimal comma"),
        ("1.234,5", True, "has a point"),
        ("1,234,5", True, "is not a number"),
        (",", True, "is not a number"),
    ],
)
def test_a_decimal_comma_is_not_guessed(text, comma, words):
    with pytest.raises(ValueError, match=words):
        read_number(text, count=False, comma=comma)


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("+3", 3), ("3.0", 3), ("3e2", 300), ("0", 0), ("-4", -4)])
def test_counts(text, value):
    assert read_number(text, count=True) == value


@pytest.mark.parametrize(("text", "value"), [("-0.5", -0.5), (".5", 0.5), ("1e-3", 0.001), ("22.30", 22.3)])
def test_measurements(text, value):
    assert read_number(text, count=False) == value


@pytest.mark.parametrize("text", ["", "x", "1_000", "1,5", "1 000", "0x10", "5%", "NA", "−5", "٣", "1e", "--1"])
@pytest.mark.parametrize("count", [True, False])
def test_what_is_no_number(text, count):
    with pytest.raises(ValueError, match="is not a number"):
        read_number(text, count=count)


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-Infinity", "1e400", "-1e400"])
@pytest.mark.parametrize("count", [True, False])
def test_what_is_not_finite(text, count):
    with pytest.raises(ValueError, match="is not a finite number"):
        read_number(text, count=count)


@pytest.mark.parametrize(
    ("text", "words"), [("2.5", "not a whole number"), ("-0.1", "not a whole number"), ("1e300", "above 1,000,000,000")]
)
def test_what_is_no_count(text, words):
    with pytest.raises(ValueError, match=words):
        read_number(text, count=True)


@pytest.mark.parametrize("text", ["1e31", "-1e31", "1e-31", "-4e-320"])
def test_what_no_measurement_is(text):
    with pytest.raises(ValueError, match="is not between 1e-30 and 1e"):
        read_number(text, count=False)


def test_shown_text_is_short_and_harmless():
    assert shown("Léger 2001") == "Léger 2001"
    assert shown("a\x1b[31m\n\tb") == "a\\x1b[31m\\n\\tb"
    assert shown("x" * 10_000) == "x" * 60 + "..."
