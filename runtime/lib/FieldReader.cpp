//===- FieldReader.cpp - Checked fields of a JSON object ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FieldReader.h"
#include "Text.h"

#include <cmath>

using namespace mla;
using json::Value;

void FieldReader::fail(const char *name, const std::string &what, ErrorKind kind) {
  if (!error)
    error = Error(kind, path + ": field '" + prefix + name + "' " + what + "; " + advice);
}

const Value &FieldReader::get(const char *name, Value::Kind kind) {
  static const Value none;
  const Value *value = object.find(name);
  if (!value)
    fail(name, "is missing");
  else if (!value->is(kind))
    fail(name, std::string("must be ") + json::kindName(kind) + ", is " + json::kindName(value->kind));
  else
    return *value;
  return none;
}

FieldReader FieldReader::child(const char *name) {
  return FieldReader(path, prefix + name + ".", get(name, Value::Kind::Object), error, advice);
}

std::string FieldReader::text(const char *name) {
  const Value &value = get(name, Value::Kind::String);
  // The C API hands texts out as C strings.
  if (value.text.find('\0') != std::string::npos)
    fail(name, "has a NUL byte");
  return value.text;
}

size_t FieldReader::choice(const char *name, const char *const *choices, size_t count) {
  std::string value = text(name), list;
  for (size_t i = 0; i < count; ++i) {
    if (value == choices[i])
      return i;
    list += (i ? ", " : "") + std::string(choices[i]);
  }
  fail(name, (count > 1 ? "must be one of " : "must be ") + list + ", is " + quoted(value));
  return 0;
}

int64_t FieldReader::integer(const char *name, int64_t least, int64_t most) {
  const Value &value = get(name, Value::Kind::Integer);
  if (!failed() && (value.integer < least || value.integer > most))
    fail(name,
         "must be " + std::to_string(least) + " to " + std::to_string(most) + ", is " + std::to_string(value.integer));
  return failed() ? least : value.integer;
}

double FieldReader::number(const char *name, double least, double most) {
  const Value *value = object.find(name);
  if (!value)
    return fail(name, "is missing"), least;
  if (!value->is(Value::Kind::Number) && !value->is(Value::Kind::Integer))
    return fail(name, std::string("must be a number, is ") + json::kindName(value->kind)), least;
  if (!(value->number >= least && value->number <= most))
    return fail(name, "must be " + std::to_string(least) + " to " + std::to_string(most) + ", is " +
                          std::to_string(value->number)),
           least;
  return value->number;
}
