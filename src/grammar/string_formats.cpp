#include "grammar/string_formats.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "grammar/regex_lowering.h"

namespace tinyllm {
namespace {

// RFC 3339 with the Gregorian calendar: months have their days, and leap years theirs.
std::string date() {
  const std::string month_31 = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])";
  const std::string month_30 = "(0[469]|11)-(0[1-9]|[12][0-9]|30)";
  const std::string leap = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
  return "([0-9]{4}-(" + month_31 + "|" + month_30 + "|02-(0[1-9]|1[0-9]|2[0-8]))|" + leap +
         "-02-29)";
}

// Without leap seconds.
std::string time() {
  const std::string hour_minute = "([01][0-9]|2[0-3]):[0-5][0-9]";
  return hour_minute + ":[0-5][0-9](\\.[0-9]+)?([zZ]|[+-]" + hour_minute + ")";
}

std::string duration() {
  const std::string time = "T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S)";
  const std::string date = "([0-9]+D|[0-9]+M([0-9]+D)?|[0-9]+Y([0-9]+M([0-9]+D)?)?)(" + time + ")?";
  return "P(" + date + "|" + time + "|[0-9]+W)";
}

std::string ipv4() {
  const std::string part = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
  return "(" + part + "\\.){3}" + part;
}

// RFC 4291, section 2.2: eight groups, "::" for some, the last two as an IPv4 address.
std::string ipv6() {
  const std::string h = "[0-9a-fA-F]{1,4}";
  const std::string last = "(" + h + ":" + h + "|" + ipv4() + ")";
  std::string result = "((" + h + ":){6}" + last + "|::(" + h + ":){5}" + last;
  for (int n = 4; n >= 0; --n) {  // groups behind "::", before the last two
    result += "|(" + h + "(:" + h + "){0," + std::to_string(4 - n) + "})?::(" + h + ":){" +
              std::to_string(n) + "}" + last;
  }
  result += "|(" + h + "(:" + h + "){0,5})?::" + h + "|(" + h + "(:" + h + "){0,6})?::)";
  return result;
}

std::string hostname() {
  const std::string label = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
  return "(?=.{1,253}$)" + label + "(\\." + label + ")*";
}

// RFC 5321's mailbox. Quoted local parts too; addresses of IPv4 and IPv6 in brackets.
std::string email() {
  const std::string atom = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+";
  const std::string quoted = "\"([ !#-\\[\\]-~]|\\\\[ -~])*\"";
  return "(?=[^@]{1,64}@|\")(" + atom + "(\\." + atom + ")*|" + quoted + ")@(" + hostname() +
         "|\\[" + ipv4() + "\\]|\\[IPv6:" + ipv6() + "\\])";
}

// RFC 3986.
std::string uri(bool is_reference) {
  const std::string unreserved = "[a-zA-Z0-9._~-]", escape = "%[0-9a-fA-F]{2}";
  const std::string delimiters = "[!$&'()*+,;=]";
  const std::string character = "(" + unreserved + "|" + escape + "|" + delimiters;
  const std::string pchar = character + "|[:@])";
  const std::string user = "(" + character + "|:)*@)?";
  const std::string future = "[vV][0-9a-fA-F]+\\.([a-zA-Z0-9._~-]|" + delimiters + "|:)+";
  const std::string host = "(\\[(" + ipv6() + "|" + future + ")\\]|" + character + ")*)";
  const std::string authority = "//" + user + host + "(:[0-9]*)?(/" + pchar + "*)*";
  const std::string absolute = "/(" + pchar + "+(/" + pchar + "*)*)?";
  const std::string rootless = pchar + "+(/" + pchar + "*)*";
  const std::string tail = "(\\?(" + pchar + "|[/?])*)?(#(" + pchar + "|[/?])*)?";
  const std::string whole =
      "[a-zA-Z][a-zA-Z0-9+.-]*:(" + authority + "|" + absolute + "|" + rootless + "|)";
  if (!is_reference) return whole + tail;
  const std::string no_colon = character + "|@)+(/" + pchar + "*)*";
  return "(" + whole + "|" + authority + "|" + absolute + "|" + no_colon + "|)" + tail;
}

std::optional<std::string> pattern_of(std::string_view format) {
  if (format == "date") return date();
  if (format == "time") return time();
  if (format == "duration") return duration();
  if (format == "uuid") return "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
  if (format == "email") return email();
  if (format == "hostname") return hostname();
  if (format == "ipv4") return ipv4();
  if (format == "ipv6") return ipv6();
  if (format == "uri") return uri(false);
  if (format == "uri-reference") return uri(true);
  if (format == "json-pointer") return "(/([^/~]|~[01])*)*";
  if (format == "relative-json-pointer") {
    return "(0|[1-9][0-9]*)(#|(/([^/~]|~[01])*)*)";
  }
  return std::nullopt;
}

ExprId lower(CharEncoder& encoder, const std::string& pattern) {
  return lower_regex(encoder, parse_regex(pattern, "format"), RegexScope::whole, "format");
}

// A leap second is the last one of a day in UTC: the offset must make 23:59 of the local time.
ExprId leap_seconds(CharEncoder& encoder) {
  constexpr int kMinutesOfDay = 24 * 60;
  ExprPool& pool = encoder.pool();
  const auto two_digits = [&](int value) { return encoder.text(fmt::format("{:02}", value)); };
  const auto time_of = [&](int minute) {
    return pool.concat({two_digits(minute / 60), encoder.text(":"), two_digits(minute % 60)});
  };
  const ExprId seconds = lower(encoder, ":60(\\.[0-9]+)?");
  const ExprId plus = encoder.text("+"), minus = encoder.text("-");
  std::vector<ExprId> hours;
  for (int hour = 0; hour < 24; ++hour) {
    std::vector<ExprId> minutes;
    for (int minute = 0; minute < 60; ++minute) {
      const int ahead = (hour * 60 + minute + 1) % kMinutesOfDay;  // of UTC's 23:59
      const int behind = (kMinutesOfDay - ahead) % kMinutesOfDay;
      const ExprId offset =
          pool.any_of({pool.concat(plus, time_of(ahead)), pool.concat(minus, time_of(behind)),
                       ahead == 0 ? lower(encoder, "[zZ]") : kNothing});
      minutes.push_back(pool.concat({two_digits(minute), seconds, offset}));
    }
    hours.push_back(pool.concat({two_digits(hour), encoder.text(":"), pool.any_of(minutes)}));
  }
  return pool.any_of(hours);
}

}  // namespace

std::optional<ExprId> format_body(CharEncoder& encoder, std::string_view format) {
  const std::optional<std::string> pattern = pattern_of(format == "date-time" ? "time" : format);
  if (!pattern) return std::nullopt;
  const ExprId body = lower(encoder, *pattern);
  if (format != "time" && format != "date-time") return body;
  ExprPool& pool = encoder.pool();
  const ExprId time = pool.any_of({body, leap_seconds(encoder)});
  return format == "time" ? time : pool.concat(lower(encoder, date() + "[tT]"), time);
}

}  // namespace tinyllm
