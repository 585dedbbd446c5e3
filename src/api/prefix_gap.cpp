#include "api/prefix_gap.h"

namespace tinyllm {

const char* name(PrefixGap::Why why) {
  switch (why) {
    case PrefixGap::Why::not_looked: break;
    case PrefixGap::Why::whole: return "whole";
    case PrefixGap::Why::differs: return "differs";
    case PrefixGap::Why::unknown: return "unknown";
    case PrefixGap::Why::given_away: return "given_away";
  }
  return "not_looked";
}

}  // namespace tinyllm
