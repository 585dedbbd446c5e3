#pragma once
// The smallest part of something that still fails: letters of a word, calls of a trace. For the
// properties of lessons, whose random inputs are long. Pure function (Zeller & Hildebrandt 2002,
// "Simplifying and Isolating Failure-Inducing Input", in its simplest form).

#include <cstddef>
#include <vector>

namespace tinyllm::learn {

// Leaves out one item after the other for as long as `fails` says that the rest still fails. No
// single item of the result can be left out. `items` itself must fail.
template <typename Item, typename Fails>
std::vector<Item> smallest_failing(std::vector<Item> items, Fails&& fails) {
  for (bool shrunk = true; shrunk;) {
    shrunk = false;
    for (std::size_t i = items.size(); i-- > 0;) {
      std::vector<Item> fewer = items;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      if (!fails(fewer)) continue;
      items = std::move(fewer);
      shrunk = true;
    }
  }
  return items;
}

}  // namespace tinyllm::learn
