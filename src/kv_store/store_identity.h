#pragma once
// Whose blocks a store holds: all that the bits of a block depend on besides its tokens. A store
// belongs to one identity, and another one's program refuses it. Plain data. Any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "kv_store/block_key.h"

namespace tinyllm {

struct StoreIdentity {
  std::string model;       // its name, for messages
  std::string digest;      // of the model's weights and numbers
  std::string context;     // windows, sinks and RoPE scaling, which the digest holds too, in words
  std::string program;     // the version, and which build of it
  std::string arithmetic;  // what computes: device and kernels
  std::string kv_type;     // number format of keys and values
  std::int32_t block_size = 0;
  std::int64_t block_bytes = 0;

  // One "name value" a line; what read_identity() takes.
  std::string to_text() const;
  // Of all of it but the model's name.
  BlockKey key() const;
  // What differs from another store's identity, first of all, in words: "blocks of 16 tokens, this
  // program wants 32". Empty: nothing, but for the name.
  std::string difference(const StoreIdentity& found) const;
};

// Fields that are not there stay empty.
StoreIdentity read_identity(std::string_view text);

}  // namespace tinyllm
