#include "grammar/grammar_texts_test.h"

namespace tinyllm {
namespace {

GrammarSource schema(const std::string& text) { return {GrammarKind::json_schema, text}; }

TEST(JsonSchema, PropertiesComeInTheOrderOfTheSchema) {
  const GrammarSource person = schema(
      R"({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
          "required": ["name"], "additionalProperties": false})");
  expect_texts(
      person, {R"({"name":"x"})", R"({"name": "é\n", "age": 3})", "{\n  \"name\": \"\"\n}\n"},
      {R"({"age":3})", R"({"age":3,"name":"x"})", R"({"name":"x","b":1})", R"({"name":1})",
       R"({"name":"x","age":1.5})", R"({"name":"x",})", "[]", R"({"name":"x","name":"y"})"});
  expect_texts(schema(R"({"properties": {"a": {"type": "null"}}})"),
               {R"({"a":null,"b":[{}]})", R"({"b":1})", "3"},
               {R"({"a":1})", R"({"b":1,"a":1})", "{\"b\":1,\"\\u0061\":1}"});
}

TEST(JsonSchema, StringsInEveryWriting) {
  expect_texts(schema(R"({"const": "é\"😀"})"), {R"("é\"😀")", R"("\u00E9\"\ud83d\ude00")"},
               {R"("e")", R"("\u00e9")", "\"é\"😀\""});
  // No program escapes a letter; programs do escape what HTML would read, and all but ASCII.
  expect_texts(schema(R"({"const": "a<b'\u007f"})"),
               {R"("a<b'\u007f")", R"("a\u003cb\u0027\u007F")"}, {R"("\u0061<b'\u007f")"});
  expect_texts(schema(R"({"type": "object"})"), {R"({"a": "\u00e9\n"})"},
               {R"({"\u0061": 1})", R"({"a": "\u0061"})"});
  expect_texts(schema(R"({"type": "string", "maxLength": 2})"), {R"("日本")", R"("\ud83d\ude00a")"},
               {R"("abc")", "\"\n\"", R"("\ud83d")", "\"\xFF\"", "\"\xED\xA0\x80\""});
  expect_texts(schema(R"({"type": "string", "pattern": "^[a-z]+$", "maxLength": 3})"), {"\"abc\""},
               {"\"abcd\"", "\"\"", "\"a1\""});
  expect_texts(schema(R"({"type": "string", "format": "date"})"), {"\"2024-02-29\""},
               {"\"2023-02-29\"", "\"2024-04-31\"", "\"2024-4-30\""});
  expect_texts(schema(R"({"type": "string", "format": "ipv6"})"),
               {"\"::\"", "\"1::2\"", "\"::ffff:1.2.3.4\""}, {"\"1::2::3\"", "\"12345::\""});
}

TEST(JsonSchema, NumbersInTheirRanges) {
  expect_texts(schema(R"({"type": "integer", "minimum": -3, "exclusiveMaximum": 12})"),
               {"-3", "0", "-0", "11", "7.0"}, {"-4", "12", "1.5", "011", "1e1", "-3.1"});
  expect_texts(schema(R"({"type": "number", "minimum": 0.25, "maximum": 1})"),
               {"0.25", "0.3", "1", "1.0", "0.999"}, {"0.24", "0.2499", "1.01", "0", "-1", "2"});
  expect_texts(schema(R"({"type": "integer", "multipleOf": 7})"), {"0", "-14", "21.0"},
               {"1", "20"});
  expect_texts(schema(R"({"multipleOf": 0.01})"), {"1.25", "3", "\"x\""}, {"1.255"});
  expect_texts(schema(R"({"enum": [1, 2.5, "a", null]})"), {"1", "1.0", "2.5", "\"a\"", "null"},
               {"2", "true", "\"b\""});
}

TEST(JsonSchema, WholeNumbersOfAnySizeAreExact) {
  const std::string large(100, '7'), larger = std::string(99, '7') + "8";
  expect_texts(schema(R"({"const": 18446744073709551616})"), {"18446744073709551616"},
               {"18446744073709551615", "18446744073709551617", "1", "{}"});
  expect_texts(schema(fmt::format(R"({{"enum": [[{}], "a"]}})", large)), {"[" + large + "]"},
               {"[" + larger + "]", "[7]"});
  expect_texts(schema(fmt::format(R"({{"type": "integer", "maximum": {}}})", large)),
               {large, "0", "-" + larger}, {larger, "0.5"});
  expect_texts(schema(R"({"minimum": -100000000000000000000})"), {"-100000000000000000000", "1"},
               {"-100000000000000000001"});
  expect_texts(schema(R"({"maxItems": 100000000000000000000})"), {"[]", "[1,2]"}, {"[1"});
  EXPECT_EQ(refusal(schema(R"({"maximum": )" + std::string(1'000'000, '1') + "}")),
            "JSON schema: '#': 'maximum' is a number that is too large to be kept exactly");
}

// Against comparisons of doubles, at and beside every bound.
TEST(JsonSchema, RangesAgreeWithComparisons) {
  const std::vector<double> points = {-120, -20.5, -9,  -1, -0.5, 0,     0.05,
                                      0.5,  1,     9.5, 10, 99,   100.25};
  for (const double low : points) {
    for (const double high : points) {
      if (low > high) continue;
      const std::string text =
          fmt::format(R"({{"type":"number","minimum":{},"exclusiveMaximum":{}}})", low, high);
      if (low == high) {
        EXPECT_EQ(refusal(schema(text)), "the grammar matches no text");
        continue;
      }
      const auto grammar = Grammar::compile(schema(text));
      for (const double point : points) {
        for (const double value : {point, point - 0.01, point + 0.01, point * 10}) {
          EXPECT_EQ(takes(grammar, fmt::format("{:.4f}", value)),
                    value >= low - 1e-9 && value < high - 1e-9)
              << text << " " << value;
        }
      }
    }
  }
}

TEST(JsonSchema, AlternativesAndReferences) {
  expect_texts(schema(R"({"$defs": {"node": {"type": "object", "properties": {"next": {"anyOf":
                 [{"$ref": "#/$defs/node"}, {"type": "null"}]}}, "required": ["next"],
                 "additionalProperties": false}}, "$ref": "#/$defs/node"})"),
               {R"({"next":null})", R"({"next":{"next":{"next":null}}})"},
               {R"({"next":{}})", "null"});
  expect_texts(schema(R"({"oneOf": [{"type": "integer"}, {"minimum": 2}]})"), {"1", "2.5", "\"x\""},
               {"3", "1.5"});
  expect_texts(schema(R"({"if": {"properties": {"a": {"const": 1}}, "required": ["a"]},
                          "then": {"required": ["b"]}, "else": {"required": ["c"]}})"),
               {R"({"a":1,"b":2})", R"({"a":2,"c":3})", R"({"c":3})", "[]"}, {R"({"a":1})", "{}"});
  expect_texts(schema(R"({"not": {"type": ["string", "object"]}})"), {"1", "[]"}, {"\"\"", "{}"});
  expect_texts(
      schema(R"({"allOf": [{"type": "array", "minItems": 1}, {"items": {"type": "null"}}]})"),
      {"[null]", "[null, null]"}, {"[]", "[1]", "null"});
}

TEST(JsonSchema, ArraysAndObjectsByCount) {
  expect_texts(schema(R"({"type": "array", "prefixItems": [{"type": "null"}], "items": false})"),
               {"[]", "[null]"}, {"[1]", "[null,null]"});
  expect_texts(
      schema(R"({"type": "array", "contains": {"const": 1}, "minContains": 2, "maxContains": 2})"),
      {"[1,0,1]"}, {"[1]", "[1,1,1]", "[]"});
  expect_texts(schema(R"({"type": "object", "patternProperties": {"^n": {"type": "null"}},
                          "additionalProperties": {"type": "string"}, "maxProperties": 2})"),
               {"{}", R"({"na":null,"b":"x"})"},
               {R"({"na":1})", R"({"b":1})", R"({"a":"","b":"","c":""})"});
}

TEST(JsonSchema, WhiteSpaceIsBounded) {
  const GrammarSource source = schema(R"({"type": "array"})");
  expect_texts(source, {"[\n  1,\n  [ ]\n]\n", "\n[]"},
               {"[" + std::string(17, ' ') + "]", "[\n\n\n]", "[]  "});
}

TEST(JsonSchema, OlderDrafts) {
  expect_texts(schema(R"({"$schema": "http://json-schema.org/draft-07/schema#", "type": "array",
                          "items": [{"type": "null"}], "additionalItems": {"type": "string"}})"),
               {"[null,\"a\"]"}, {"[null,1]", "[1]"});
  expect_texts(schema(R"({"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer",
                          "minimum": 3, "exclusiveMinimum": true})"),
               {"4"}, {"3"});
}

TEST(JsonSchema, RefusalsNameKeywordAndPointer) {
  const auto refused = [](const std::string& text, const std::string& keyword,
                          const std::string& pointer) {
    try {
      Grammar::compile(schema(text));
      ADD_FAILURE() << text << " compiles";
    } catch (const GrammarRefusal& refusal) {
      EXPECT_EQ(refusal.keyword(), keyword) << refusal.what();
      EXPECT_EQ(refusal.pointer(), pointer) << refusal.what();
    }
  };
  refused(R"({"properties": {"a": {"type": "array", "uniqueItems": true}}})", "uniqueItems",
          "#/properties/a");
  refused(R"({"items": {"pattern": "(a)\\1"}})", "pattern", "#/items");
  refused(R"({"properties": {"a/b": {"$ref": "http://x/y"}}})", "$ref", "#/properties/a~1b");
  refused(R"({"format": "iri"})", "format", "#");
  refused(R"({"type": "text"})", "type", "#");
  refused(R"({"not": {"additionalProperties": false}})", "additionalProperties", "#/not");
  refused(R"({"multipleOf": 0.123456})", "multipleOf", "#");
  refused(R"({"maxItems": 1000000})", "maxItems", "#");
  refused(R"({"$ref": "#"})", "$ref", "#");
  refused(R"({"anyOf": [{"type": "string"}, {"not": {"$ref": "#"}}]})", "$ref", "#/anyOf/1/not");
  refused(R"({"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]},
           "b": {"$ref": "#/$defs/a"}}})",
          "$ref", "#/items");
  EXPECT_NE(refusal(schema("{")), "");
  EXPECT_NE(refusal(schema("3")), "");
  EXPECT_EQ(refusal(schema("false")), "the grammar matches no text");
  EXPECT_EQ(refusal(schema(R"({"type": "object", "properties": {"a": false}, "required": ["a"]})")),
            "the grammar matches no text");
}

// What looks into the value in between is no circle, nor is a schema that two lead to.
TEST(JsonSchema, RecursionThroughTheValueIsFine) {
  expect_texts(schema(R"({"type": ["object", "null"], "additionalProperties": {"$ref": "#"}})"),
               {"null", R"({"a":{"b":null}})"}, {"1", R"({"a":1})"});
  expect_texts(schema(R"({"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}],
                          "$defs": {"a": {"$ref": "#/$defs/c"}, "b": {"$ref": "#/$defs/c"},
                                    "c": {"type": "null"}}})"),
               {"null"}, {"1"});
}

TEST(JsonSchema, HostileSchemasEndByACap) {
  std::string deep = "true", wide = R"({"allOf":[)", twins = R"({"type":"integer")";
  for (int i = 0; i < 100000; ++i) deep = R"({"not":)" + deep.substr(0, 20000) + "}";
  EXPECT_NE(refusal(schema(deep)), "");
  for (int i = 0; i < 60; ++i)
    wide += R"({"anyOf":[{"minimum":1},{"maximum":2},{"multipleOf":3}]},)";
  EXPECT_NE(refusal(schema(wide + "{}]}")), "");
  EXPECT_NE(refusal(schema(std::string(3 << 20, ' '))), "");
}

TEST(StructuralTag, FreeTextUntilATrigger) {
  const GrammarSource tag{GrammarKind::structural_tag, R"({"structures": [
      {"begin": "<f=a>", "schema": {"type": "integer"}, "end": "</f>"},
      {"begin": "<f=b>", "schema": {"type": "null"}, "end": "</f>"}], "triggers": ["<f="]})"};
  expect_texts(tag, {"", "free <f text", "x <f=a>12</f> y <f=b>null</f>", "<f=a>1</f><f=a>2</f>"},
               {"<f=", "<f=a>null</f>", "<f=c>1</f>", "x <f=a>1"});
  EXPECT_NE(refusal({GrammarKind::structural_tag, "{}"}), "");
  expect_texts({GrammarKind::structural_tag, R"({"structures": [{"begin": "<n>", "schema":
      {"const": 123456789012345678901234567890}, "end": "</n>"}], "triggers": ["<n>"]})"},
               {"<n>123456789012345678901234567890</n>"}, {"<n>1"});
  // What would change the text and is not understood is refused.
  const auto tags = [](const std::string& more) {
    return GrammarSource{GrammarKind::structural_tag,
                         R"({"type": "structural_tag", "format": {"type": "triggered_tags",
        "triggers": ["<"], "tags": [{"begin": "<a>", "content": {"type": "json_schema",
        "json_schema": {"type": "null"}}, "end": "</a>"}])" +
                             more + "}}"};
  };
  expect_texts(tags(R"(, "at_least_one": false)"), {"", "<a>null</a>"}, {"<a>1</a>"});
  EXPECT_EQ(refusal(tags(R"(, "at_least_one": true)")),
            "structural tag: 'at_least_one' cannot be enforced");
}

}  // namespace
}  // namespace tinyllm
