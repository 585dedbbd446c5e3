#pragma once
// The models that are served, by the names that clients use. There is one for now. Any thread.

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "openai/served_model.h"

namespace tinyllm {

class ModelHost {
 public:
  // The model's engine must outlive whoever finds it here.
  void add(const ServedModel& model);

  // Throws ApiError{503} while there is no model.
  void check_ready() const;
  // The model of this name; "": the first one. Throws ApiError{503} while there is none,
  // ApiError{404} for a name that no model has. The model stays where it is.
  const ServedModel& find(std::string_view name = "") const;
  void each(function_ref<void(const ServedModel&)> visit) const;

  bool empty() const;
  bool has_failed() const;  // the engine of one of them has

 private:
  struct Models {
    mutable std::mutex mutex;  // guards the list
    std::vector<std::unique_ptr<const ServedModel>> list;
  } models_;
};

}  // namespace tinyllm
