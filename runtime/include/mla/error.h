//===- error.h - Errors without exceptions ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Error handling without exceptions and LLVM, shared by the runtime and the
// compiler's safetensors code. The truth values are those of llvm::Error and
// llvm::Expected: an Error is true on failure, a Result is true if it holds a
// value.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_ERROR_H
#define MLA_ERROR_H

#include <optional>
#include <string>
#include <utility>

namespace mla {

/// The kind of a failure. The numbers are those of mla_status.
enum class ErrorKind {
  None = 0,
  InvalidArgument = 1,
  IO = 2,
  InvalidFile = 3,
  Unsupported = 4,
  OutOfMemory = 5,
  OutOfPages = 6,
  NoDevice = 7,
  DeviceError = 8,
  Rank = 9,
};

/// Success, or a kind and a message of the form "WHERE: WHAT; what to do".
class [[nodiscard]] Error {
public:
  Error() = default;
  Error(ErrorKind kind, std::string message) : errorKind(kind), text(std::move(message)) {}

  explicit operator bool() const { return errorKind != ErrorKind::None; }
  ErrorKind kind() const { return errorKind; }
  const std::string &message() const { return text; }

private:
  ErrorKind errorKind = ErrorKind::None;
  std::string text;
};

/// A value, or an error.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : content(std::move(value)) {}
  Result(Error error) : failure(std::move(error)) {}

  explicit operator bool() const { return content.has_value(); }
  T &operator*() { return *content; }
  const T &operator*() const { return *content; }
  T *operator->() { return &*content; }
  const T *operator->() const { return &*content; }
  const Error &error() const { return failure; }

private:
  std::optional<T> content;
  Error failure;
};

} // namespace mla

#endif // MLA_ERROR_H
