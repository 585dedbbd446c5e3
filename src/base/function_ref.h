#pragma once
// A borrowed callable: two words, no allocation. It must not outlive the callable it was made from,
// so use it for parameters only. (std::function_ref of C++26 in miniature.)

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace tinyllm {

template <typename Signature>
class function_ref;

template <typename Result, typename... Args>
class function_ref<Result(Args...)> {
 public:
  template <typename Callable>
    requires(!std::same_as<std::remove_cvref_t<Callable>, function_ref> &&
             std::is_invocable_r_v<Result, Callable&, Args...>)
  function_ref(Callable&& callable)  // NOLINT(google-explicit-constructor): made to be implicit
      : callable_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* target, Args... args) -> Result {
          return (*static_cast<std::remove_reference_t<Callable>*>(target))(
              std::forward<Args>(args)...);
        }) {}

  Result operator()(Args... args) const { return call_(callable_, std::forward<Args>(args)...); }

 private:
  void* callable_;
  Result (*call_)(void*, Args...);
};

}  // namespace tinyllm
