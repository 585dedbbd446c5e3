"""Random chat templates over odd inputs: what the interpreter supports, put together by chance."""

import json

TEXTS = [
    "", "a", "Hi there", "  two  words ", "Ünï © çødé", "ß ŉ ﬁ ǆ", "İstanbul ΑΣ ΑΣΑ", "日本語", "😀 👍🏽", "e\u0301", "<b>&amp;</b>", "a<!--x-->b & c",
    "line\none\r\ntwo\u2028three", "\t x\u00a0\u3000", "quote's \"both\" \\", "100%", "{braces}", "x,y,,z", "12", " -7 ", "3.50", "1e3", "0x1F",
    "123456789012345678901", "²³", "٣", "\u200bzero", "\x00\x7f", "Straße", "camelCase snake_case", "http://a/b?c=d e&f", "tag <i>it</i>",
]
WHOLE = [0, 1, -1, 2, 3, 7, -13, 255, 1000, 65536, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**20, -123456789012345678901, 10**40 + 7]
REAL = [0.0, -0.0, 0.1, 0.5, 1.0, 1.5, 2.5, -3.75, 1e16, 1e-5, 123456.789, 1e100, 1 / 3, 2.0**70]
ATOMS = {
    "text": ["s", "t", "bos_token", "s", "messages[0].content"],
    "number": ["n", "m", "big", "r", "n"],
    "list": ["items", "people", "d.items()|list", "range(4)", "s.split()", "people|map(attribute='name')|list", "'a,b,c'.split(',')"],
    "map": ["d", "messages[0]", "{'k': n, 'é': s}"],
    "any": ["nothing", "missing", "flag", "d.k", "items[0]", "d['é']", "missing.k if false", "people[0].age"],
}
# Filters and methods by what they take and give.
FILTERS = {
    ("text", "text"): ["capitalize", "center(9)", "e", "escape", "forceescape", "indent", "indent(2, true, true)", "lower", "replace('a', 'é')", "safe", "string",
                       "striptags", "title", "trim", "truncate(5)", "truncate(7, true, '…')", "upper", "urlencode", "tojson", "tojson(ensure_ascii=true)",
                       "d(1, true)", "default('z')", "reverse", "trim('ae ')"],
    ("text", "number"): ["length", "count", "wordcount", "int", "int(7)", "int(0, 16)", "float", "float(2.5)"],
    ("text", "list"): ["list", "unique|list", "batch(2, '-')|list", "slice(2)|list", "map('upper')|list", "sort", "sort(reverse=true)", "reject('in', 'aeiou')|list"],
    ("text", "any"): ["first", "last", "max", "min"],
    ("number", "number"): ["abs", "round", "round(1)", "round(2, 'floor')", "round(0, 'ceil')", "int", "float", "d(3)"],
    ("number", "text"): ["string", "tojson", "center(6)", "urlencode", "striptags", "upper", "escape"],
    ("list", "list"): ["list", "reverse|list", "unique|list", "select|list", "reject('none')|list", "select('string')|list", "select('number')|list", "batch(2)|list",
                       "slice(3, 'f')|list", "map('string')|list", "map('tojson')|list", "select('integer')|sort", "select('string')|sort", "rejectattr('age')|list",
                       "map('default', 'x')|list"],
    ("list", "text"): ["join", "join(', ')", "tojson", "tojson(indent=2)", "string", "map('string')|join('|')"],
    ("list", "number"): ["length", "count", "select('integer')|sum", "select('number')|list|length"],
    ("list", "any"): ["first", "last", "select('string')|max", "select('string')|min"],
    ("map", "text"): ["tojson", "tojson(indent=1)", "string", "urlencode", "tojson(sort_keys=true)", "tojson(separators=(',', ':'))"],
    ("map", "list"): ["list", "items|list", "dictsort", "dictsort(reverse=true)", "dictsort(true)"],
    ("map", "number"): ["length"],
    ("any", "any"): ["default('z')", "d(0, true)"],
    ("any", "text"): ["string", "tojson", "escape"],
}
TESTS = [
    "boolean", "callable", "defined", "eq(1)", "escaped", "false", "float", "in([1, 'a', none])", "integer", "iterable", "lower", "mapping", "ne('a')", "none", "number",
    "sameas(none)", "sequence", "string", "true", "undefined", "upper",
]
METHODS = {
    ("text", "text"): ["capitalize()", "center(8, '*')", "format(1, 2)", "ljust(6)", "lower()", "lstrip()", "removeprefix('a')", "removesuffix('e')", "replace('e', '3')",
                       "rjust(6, '0')", "rstrip()", "strip()", "swapcase()", "title()", "upper()", "zfill(6)", "strip('a<>')", "join(['x', 'y'])", "replace('', '-', 3)"],
    ("text", "number"): ["count('a')", "find('e')", "rfind('a')", "count('')", "find('e', 2)"],
    ("text", "list"): ["partition(' ')", "rsplit(None, 1)", "split()", "split(',')", "split(' ', 1)", "splitlines()", "splitlines(true)", "rpartition('e')"],
    ("text", "any"): ["endswith('e')", "startswith('H')", "startswith(('a', 'H'))", "isalnum()", "isalpha()", "isdigit()", "isdecimal()", "islower()", "isspace()", "isupper()",
                      "isascii()"],
    ("map", "any"): ["get('k')", "get('zz', 5)", "get('name')"],
    ("map", "list"): ["items()|list", "keys()|list", "values()|list"],
    ("list", "any"): ["count(1)", "count('a')"],
    ("map", "map"): ["copy()"],
}
PERCENT = {
    "any": ["%s", "%r", "%-6s|", "%.3s", "%9r", "%a", "%%"],
    "number": ["%d", "%5d", "%05d", "%+d", "%.2f", "%8.3f", "%e", "%g", "%G", "% d", "%i", "%#.0f", "%u", "%.0f", "%-8.1e|", "%#g"],
}
SPECS = {
    "text": ["", ":", ":>8", ":<6", ":^9", ":*^12", ":5", ":05", ":s", ":.2s", "!r", "!s:>6", "!a", ":é>7.3", ":^^5"],
    "number": ["", ":", ":5", ":05", ":+", ":,", ":_", ":g", ":=+9", ":010,", ":.2f", ":8.3f", ":e", ":.3g", ":%", ":.1%", ":n", ":G", ":E", ":x>12", ":#.3g", "!r", ": ", ":-^20_"],
    "any": ["", "!r", "!s", "!a:>20"],
}
KINDS = ["text", "number", "list", "map", "any"]
SLICES = ["[1:]", "[:2]", "[::-1]", "[1:-1]", "[-3:]", "[::2]"]
ODDITY = 0.03  # how often something of another kind stands where one kind belongs


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.n_names = 0
        self.loops = 0

    def pick(self, values):
        return self.rng.choice(values)

    def chance(self, p):
        return self.rng.random() < p

    def string(self):
        text = self.pick(TEXTS).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r").replace("\x00", "")
        return f"'{text}'"

    def literal(self):
        kind = self.rng.randrange(6)
        if kind == 0:
            return self.string()
        if kind == 1:
            return str(self.pick([n for n in WHOLE if n >= 0]))
        if kind == 2:
            return repr(abs(self.pick(REAL)))
        if kind == 3:
            return self.pick(["true", "false", "none", "[]", "{}", "()", "''"])
        if kind == 4:
            return "[" + ", ".join(self.literal() for _ in range(self.rng.randint(0, 4))) + "]"
        return "{" + ", ".join(f"'{key}': {self.literal()}" for key in self.rng.sample(["k", "a", "é", "B"], self.rng.randint(0, 3))) + "}"

    def atom(self, kind):
        if self.chance(0.75):
            return self.pick(ATOMS[kind])
        if kind == "number":
            return str(self.pick([n for n in WHOLE if n >= 0])) if self.chance(0.6) else repr(abs(self.pick(REAL)))
        return self.string() if kind == "text" else self.literal() if kind == "any" else self.pick(ATOMS[kind])

    def through(self, table, sign, kind, depth):
        """A filter or method that gives `kind`."""
        taken, names = self.pick([(key[0], names) for key, names in table.items() if key[1] == kind] or [(None, None)])
        if names is None:
            return self.atom(kind)
        return f"({self.expression(depth - 1, taken)}){sign}{self.pick(names)}"

    def expression(self, depth, kind=None):
        kind = kind or self.pick(KINDS)
        if self.chance(ODDITY):
            kind = self.pick(KINDS)
        if depth <= 0 or self.chance(0.2):
            return self.atom(kind)
        down = lambda of=None: self.expression(depth - 1 - self.rng.randrange(2), of)
        choice = self.rng.randrange(9)
        if choice < 3:
            return self.through(FILTERS, "|", kind, depth)
        if choice == 3:
            return self.through(METHODS, ".", kind, depth)
        if choice == 4:
            return f"(({down(kind)}) if ({down()}) else ({down(kind)}))"
        if kind == "text":
            return self.text_expression(choice, down)
        if kind == "number":
            return self.number_expression(choice, down)
        if kind == "list":
            return f"({self.pick(ATOMS['list'])}){self.pick(SLICES)}" if choice < 7 else f"(({down('list')})|list + ({down('list')})|list)"
        if kind == "map":
            return self.atom("map")
        return self.any_expression(choice, down)

    def text_expression(self, choice, down):
        if choice == 5:
            return f"(({down()}) ~ ({down()}))"
        if choice == 6:
            return f"({self.pick(ATOMS['text'])}){self.pick(SLICES)}"
        if choice == 7:
            kinds = self.rng.sample(list(PERCENT.items()), 2)
            formats = [(self.pick(names), kind) for kind, names in kinds]
            values = "".join(down(kind) + ", " for format, kind in formats for _ in range(1 - format.count("%%")))
            return f"('{' '.join(format for format, _ in formats)}' % ({values}))"
        if self.chance(0.2):
            return f"'{self.pick(['{0} {1}', '{k} {0!r}', '{0[0]} {k}', '{{}} {1:{2}}', '{1[k]}{0}'])}'.format({down('text')}, {down('map')}, 9, k={down()})"
        kinds = [self.pick(list(SPECS)) for _ in range(2)]
        return "'" + "|".join("{" + self.pick(SPECS[kind]) + "}" for kind in kinds) + "'.format(" + ", ".join(down(kind) for kind in kinds) + ")"

    def number_expression(self, choice, down):
        if choice == 5:
            return f"(n {self.pick(['+', '-', '*', '/', '//', '%'])} {self.pick(['2', '3', 'r', '(-7)', '0.5', '10'])})" if self.chance(0.8) else "(m ** 3)"
        if choice == 6:
            return f"(m {self.pick(['+', '-', '*', '* big -', '- big +'])} {self.pick(['1', '7', '2.5', 'n'])})" if self.chance(0.5) else f"(big {self.pick(['%', '//'])} {self.pick(['2', '97', '(-10)'])})"
        if choice == 7:
            return f"(-({down('number')}))"
        return f"(({down('text')})|length {self.pick(['+', '-', '*'])} ({down('list')})|list|length)"

    def any_expression(self, choice, down):
        kind = self.pick(["number", "text"])
        if choice == 5:
            return f"(({down()}) is {'not ' if self.chance(0.3) else ''}{self.pick(TESTS)})"
        if choice == 6:
            return f"(({down(kind)}) {self.pick(['==', '!=', '<', '<=', '>', '>='])} ({down(kind)}))"
        if choice == 7:
            return f"(({down()}) {self.pick(['and', 'or', '=='])} ({down()}))"
        return f"(({down('text')}) {self.pick(['in', 'not in'])} ({down(self.pick(['text', 'list', 'map']))}))" if self.chance(0.6) else f"(not ({down()}))"

    def new_name(self):
        self.n_names += 1
        return f"v{self.n_names}"

    def tag(self, inner):
        open_sign, close_sign = self.pick(["", "", "-", "+"]), self.pick(["", "", "-", "+"])
        return "{%" + open_sign + " " + inner + " " + close_sign + "%}"

    def output(self, inner):
        return "{{" + self.pick(["", "", "-"]) + " " + inner + " " + self.pick(["", "", "-"]) + "}}"

    def text(self):
        return self.pick(["\n", " ", "a", "b\n", "  ", "é", "<|im_end|>", "{ ", "} ", "\n\n", "# ", "{# note #}", "\t", "-"])

    def body(self, depth):
        return "".join(self.statement(depth) for _ in range(self.rng.randint(1, 3)))

    def loop(self, depth):
        name = self.new_name()
        inside = self.pick(["loop.index", "loop.index0", "loop.revindex", "loop.first", "loop.last", "loop.length", "loop.depth", "loop.previtem", "loop.nextitem",
                            "loop.cycle('a', 'b')", f"loop.changed({name})", name])
        if self.chance(0.2):
            return (self.tag(f"for {name} in [1, [2, [3, 's'], 4], items] recursive") + self.tag(f"if {name} is number or {name} is string") + "{{ " + name + " }}"
                    + self.tag("else") + "({{ loop.depth }}{{ loop(" + name + ") }})" + self.tag("endif") + self.text() + self.tag("endfor"))
        condition = f" if {name} {self.pick(['is string', 'is number', '', 'is not none'])}" if self.chance(0.3) else ""
        otherwise = self.tag("else") + self.text() if self.chance(0.3) else ""
        leave = self.tag("if loop.index > 2") + self.tag(self.pick(["break", "continue"])) + self.tag("endif") if self.chance(0.2) else ""
        source = self.pick(["items", "people", "d", "s", "range(3)", "d.items()", self.expression(1, "list")])
        return (self.tag(f"for {name} in {source}{condition}") + self.output(inside) + leave + self.body(depth - 1) + otherwise + self.tag("endfor"))

    def statement(self, depth):
        kind = self.rng.randrange(16)
        if depth <= 0 or kind < 5:
            return self.text() if self.chance(0.4) else self.output(self.expression(3))
        if kind < 7:
            middle = self.tag(f"elif {self.expression(1)}") + self.body(depth - 1) if self.chance(0.3) else ""
            return self.tag(f"if {self.expression(2)}") + self.body(depth - 1) + middle + self.tag("else") + self.body(depth - 1) + self.tag("endif")
        if kind < 9:
            return self.loop(depth)
        name = self.new_name()
        if kind == 9:
            return self.tag(f"set {name} = {self.expression(2)}") + self.output(name)
        if kind == 10:
            return self.tag(f"set {name}") + self.body(depth - 1) + self.tag("endset") + self.output(name + "|" + self.pick(["string", "tojson", "length", "upper", "trim", "default(1)"]))
        if kind == 11:
            return (self.tag(f"macro {name}(x, y=2)") + self.output("x") + self.text() + self.output("y") + self.output("caller() if caller else ''") + self.tag("endmacro")
                    + (self.output(f"{name}({self.expression(1)})") if self.chance(0.6) else self.tag(f"call {name}(1, y={self.expression(1)})") + self.text() + self.tag("endcall")))
        if kind == 12:
            return self.tag(f"filter {self.pick(['upper', 'trim', 'indent', 'striptags', 'urlencode', 'title', 'replace(1, 2)'])}") + self.body(depth - 1) + self.tag("endfilter")
        if kind == 13:
            return self.tag(f"with {name} = {self.expression(1)}") + self.output(name) + self.body(depth - 1) + self.tag("endwith")
        if kind == 14:
            made = self.pick([f"joiner({self.pick(['', self.string()])})", "cycler('a', 2, none)", f"namespace(a={self.expression(1)})"])
            use = {"j": "{{ %s() }}{{ %s() }}", "c": "{{ %s.next() }}{{ %s.current }}", "n": "{%% set %s.a = 1 %%}{{ %s.a }}"}[made[0]]
            return self.tag(f"set {name} = {made}") + use % (name, name)
        return self.tag(f"block {name}{self.pick(['', ' scoped'])}") + self.body(depth - 1) + self.tag(f"endblock{self.pick(['', ' ' + name])}")


def random_inputs(rng):
    pick = rng.choice
    person = lambda: {"name": pick(TEXTS), "age": pick(WHOLE[:9] + [None]), "city": pick(["Bern", "bern", "Oslo", ""])}
    mixed = lambda: [pick(TEXTS + WHOLE + REAL + [None, True, False, ["x", 2]]) for _ in range(rng.randint(0, 4))]
    return {
        "messages": [{"role": "user", "content": pick(TEXTS)}],
        "s": pick(TEXTS), "t": pick(TEXTS), "n": pick(WHOLE[:9]), "m": pick(WHOLE), "big": pick(WHOLE[-6:]), "r": pick(REAL), "items": mixed(),
        "people": [person() for _ in range(rng.randint(0, 3))], "d": {key: pick(TEXTS + WHOLE + [None]) for key in rng.sample(["k", "a", "é", "items", "name"], 3)},
        "nothing": None, "flag": rng.random() < 0.5,
    }


def random_case(rng):
    maker = Maker(rng)
    return maker.body(3), json.dumps(random_inputs(rng), ensure_ascii=rng.random() < 0.5)
