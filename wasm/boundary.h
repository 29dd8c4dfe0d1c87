// What crosses between C++ and JavaScript, and in which shape.
//
//   text        UTF-8 strings; configuration and small results as JSON text
//   lists       one string, every item followed by '\n' (so that "" is the empty list)
//   numbers     typed arrays, copied in one crossing
//   failures    data: every function returns {value} or {error: {code, message}}
#pragma once

#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "latencast/error.h"

namespace latencast::boundary {

using emscripten::val;

inline val failure(ErrorCode code, const std::string& message) {
  val error = val::object();
  error.set("code", std::string(name(code)));
  error.set("message", message);
  val envelope = val::object();
  envelope.set("error", error);
  return envelope;
}

/// Runs `work`, whose result becomes `value`. Nothing is thrown past this point: JavaScript would see an
/// uncaught C++ exception as a bare number.
template <class Work>
val envelope(Work&& work) {
  try {
    val result = val::object();
    result.set("value", work());
    return result;
  } catch (const Error& error) {
    return failure(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return failure(ErrorCode::internal, "out of memory");
  } catch (const std::exception& error) {
    return failure(ErrorCode::internal, error.what());
  } catch (...) {
    return failure(ErrorCode::internal, "an exception of unknown type");
  }
}

/// Items of a list; views into `text`.
inline std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos)
      throw Error(ErrorCode::internal, "list: the last item has no line end");
    items.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return items;
}

inline std::string join_list(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) (text += item) += '\n';
  return text;
}

/// A typed array of its own: the engine's memory may move or be freed the moment it is left.
template <class T>
val copy_out(const std::vector<T>& values) {
  return val(emscripten::typed_memory_view(values.size(), values.data())).template call<val>("slice");
}

inline std::vector<double> copy_in(const val& float64_array) {
  return emscripten::convertJSArrayToNumberVector<double>(float64_array);
}

/// A handle whose owner is the JavaScript object that `delete()`s it.
template <class T>
val hand_over(T* handle) {
  return val(handle);
}

/// Base of everything JavaScript holds a handle to: how many are alive.
class Handle {
 public:
  Handle() { ++live_; }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { --live_; }
  static int live() { return live_; }

 private:
  inline static int live_ = 0;
};

}  // namespace latencast::boundary
