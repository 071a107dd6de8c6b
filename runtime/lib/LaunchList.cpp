//===- LaunchList.cpp - Launch lists of a bundle --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchList.h"
#include "Text.h"

#include <cmath>

using namespace mla;
using json::Value;

using schema::Limit;

static constexpr size_t maxKernelName = 1024;
static_assert(Limit::ClassLimits <= UINT8_MAX + 1, "nodes of expressions number limits in a byte");

/// Returns the bit set of sizes that expressions of a list may name.
static uint32_t sizesOf(schema::List list) {
  uint32_t sizes = 0;
  for (unsigned i = 0; i < numSizes; ++i)
    if (list != schema::List::Entry || isOfEntries(static_cast<Size>(i)))
      sizes |= 1u << i;
  return sizes;
}

namespace {
/// Reads one launch list. Keeps the first error; fields read after it are ignored.
class Reader {
public:
  Reader(const std::string &path, const LaunchScope &scope, LaunchList &list, Kernels &kernels, Error &error)
      : path(path), scope(scope), sizes(sizesOf(scope.list)), list(list), kernels(kernels), error(error) {}

  void readChoices(const std::string &prefix, const Value &object);
  void readWorkspace(const std::string &prefix, const Value &object);
  void readLaunches(const std::string &prefix, const Value &object);

private:
  const std::string &path;
  const LaunchScope &scope;
  const uint32_t sizes;
  std::vector<int64_t> limits; ///< of the choices
  LaunchList &list;
  Kernels &kernels;
  Error &error;
  std::map<std::string, uint32_t> temps;

  FieldReader fields(const std::string &prefix, const Value &object) { return {path, prefix, object, error}; }
  Expression expression(FieldReader &fields, const char *name, const Value &value);
  Expression requiredExpression(FieldReader &fields, const Value &object, const char *name);
  void readChoice(FieldReader fields, Choice &choice);
  std::vector<int64_t> integers(FieldReader &fields, const char *name);
  void readLaunch(const std::string &prefix, const Value &object, Launch &launch);
  void readCollective(FieldReader &item, const Value &object, CollectiveLaunch &collective);
  void readGrid(FieldReader &fields, Launch &launch);
  void readWork(FieldReader &fields, const Value &object, Launch &launch);
  void readArgument(const std::string &prefix, const Value &object, LaunchArgument &argument);
  void readMap(const std::string &prefix, const Value &object, LaunchArgument &argument);
  void readBox(FieldReader &fields, LaunchArgument &argument);
  std::vector<Expression> expressions(FieldReader &fields, const char *name, size_t least, size_t most);
  BufferUse buffer(FieldReader &fields, const Value &object, const char *name, bool mapped);
};
} // namespace

Expression Reader::expression(FieldReader &fields, const char *name, const Value &value) {
  Result<Expression> parsed = Expression::parse(value, {sizes, &limits});
  if (parsed)
    return std::move(*parsed);
  fields.fail(name, parsed.error().message());
  return {};
}

Expression Reader::requiredExpression(FieldReader &fields, const Value &object, const char *name) {
  if (const Value *value = object.find(name))
    return expression(fields, name, *value);
  fields.fail(name, "is missing");
  return {};
}

std::vector<int64_t> Reader::integers(FieldReader &fields, const char *name) {
  std::vector<int64_t> result;
  for (const Value &item : fields.get(name, Value::Kind::Array).items) {
    if (!item.is(Value::Kind::Integer) || item.integer < (result.empty() ? 0 : result.back()) ||
        item.integer > Limit::ChosenSize)
      fields.fail(name, "must hold integers from 0 to " + std::to_string(Limit::ChosenSize) + " in ascending order");
    result.push_back(item.integer);
  }
  return result;
}

void Reader::readChoice(FieldReader fields, Choice &choice) {
  choice.kernel = fields.text("kernel");
  choice.most = integers(fields, "most");
  choice.limits = integers(fields, "limits");
  for (const Choice &other : list.choices)
    if (&other != &choice && other.kernel == choice.kernel)
      fields.fail("kernel", "is " + quoted(choice.kernel) + " a second time");
}

void Reader::readChoices(const std::string &prefix, const Value &object) {
  FieldReader parent = fields(prefix, object);
  if (!parent.has("choices")) // bundles of earlier releases
    return;
  const Value &items = parent.get("choices", Value::Kind::Array);
  for (size_t i = 0; i < items.items.size() && !error; ++i) {
    std::string place = "choices[" + std::to_string(i) + "]";
    if (!items.items[i].is(Value::Kind::Object))
      return parent.fail(place.c_str(), std::string("must be an object, is ") + json::kindName(items.items[i].kind));
    FieldReader item = fields(prefix + place + ".", items.items[i]);
    Choice &choice = list.choices.emplace_back();
    readChoice(item, choice);
    choice.size = requiredExpression(item, items.items[i], "size"); // without limits
    if (std::string why = list.whyNot(i, choice.limits); !why.empty())
      item.fail("limits", why);
  }
  limits = list.limits();
  if (limits.size() > size_t(Limit::ClassLimits))
    parent.fail("choices", "have more than " + std::to_string(Limit::ClassLimits) + " limits");
}

void Reader::readWorkspace(const std::string &prefix, const Value &object) {
  FieldReader parent = fields(prefix, object);
  const Value &items = parent.get("workspace", Value::Kind::Array);
  if (items.items.size() > maxTemps)
    return parent.fail("workspace", "has more than " + std::to_string(maxTemps) + " buffers");
  for (size_t i = 0; i < items.items.size() && !error; ++i) {
    std::string place = "workspace[" + std::to_string(i) + "]";
    if (!items.items[i].is(Value::Kind::Object))
      return parent.fail(place.c_str(), std::string("must be an object, is ") + json::kindName(items.items[i].kind));
    FieldReader item = fields(prefix + place + ".", items.items[i]);
    std::string name = item.text("name");
    if (name.compare(0, 5, "temp:") != 0 || name.size() == 5)
      item.fail("name", "must be temp:<n>, is " + quoted(name));
    if (!temps.emplace(name, static_cast<uint32_t>(i)).second)
      item.fail("name", "is " + quoted(name) + " a second time");
    list.workspace.push_back(requiredExpression(item, items.items[i], "bytes"));
  }
}

/// Resolves a buffer's name.
BufferUse Reader::buffer(FieldReader &fields, const Value &object, const char *name, bool mapped) {
  BufferUse use;
  std::string text = fields.text(name);
  if (object.find("offset"))
    use.offset = fields.integer("offset", 0, Limit::Offset);
  if (mapped && use.offset % Limit::MapAlignment != 0)
    fields.fail("offset", "of a tensor map must be a multiple of " + std::to_string(Limit::MapAlignment) + ", is " +
                              std::to_string(use.offset));
  for (size_t i = 0; i < list.bindings.size(); ++i)
    if (text == nameOf(list.bindings[i].buffer)) {
      use.index = static_cast<uint32_t>(i);
      return use;
    }
  if (text.compare(0, 7, "weight:") == 0)
    for (size_t i = 0; i < scope.weights.size(); ++i)
      if (text.compare(7, std::string::npos, scope.weights[i]) == 0) {
        use.kind = BufferUse::Weight;
        use.index = static_cast<uint32_t>(i);
        return use;
      }
  if (auto found = temps.find(text); found != temps.end()) {
    use.kind = BufferUse::Temp;
    use.index = found->second;
    return use;
  }
  fields.fail(name, "names " + quoted(text) +
                        ", which is no buffer known here, no weight of the entry and not in its "
                        "workspace");
  return use;
}

std::vector<Expression> Reader::expressions(FieldReader &fields, const char *name, size_t least, size_t most) {
  const Value &items = fields.get(name, Value::Kind::Array);
  std::vector<Expression> result;
  if (items.items.size() < least || items.items.size() > most) {
    std::string range = std::to_string(least) + (least == most ? "" : " to " + std::to_string(most));
    fields.fail(name, "must hold " + range + " expressions");
    return result;
  }
  for (const Value &item : items.items)
    result.push_back(expression(fields, name, item));
  return result;
}

void Reader::readBox(FieldReader &fields, LaunchArgument &argument) {
  if (error)
    return;
  const Value &box = fields.get("box", Value::Kind::Array);
  if (box.items.size() != argument.dims.size())
    return fields.fail("box", "must have as many numbers as dims");
  for (const Value &item : box.items) {
    if (!item.is(Value::Kind::Integer) || item.integer < 1 || item.integer > Limit::MapBox)
      return fields.fail("box", "must hold integers from 1 to " + std::to_string(Limit::MapBox));
    argument.box.push_back(static_cast<uint32_t>(item.integer));
  }
  unsigned bits = schema::bitsOf(argument.element);
  auto innermost = static_cast<int64_t>(schema::bytesOf(argument.box.front(), bits));
  if (innermost % Limit::MapAlignment != 0 || (argument.swizzled && innermost > Limit::MapSwizzle))
    fields.fail("box", "must be innermost a multiple of " + std::to_string(Limit::MapAlignment * 8 / bits) +
                           ", and at most " + std::to_string(Limit::MapSwizzle * 8 / bits) + " where swizzled, is " +
                           std::to_string(argument.box.front()));
}

void Reader::readMap(const std::string &prefix, const Value &object, LaunchArgument &argument) {
  FieldReader map = fields(prefix, object);
  argument.buffer = buffer(map, object, "buffer", true);
  argument.dims = expressions(map, "dims", 1, maxMapRank);
  if (error)
    return;
  argument.strides = expressions(map, "strides", argument.dims.size() - 1, argument.dims.size() - 1);
  int64_t swizzle = map.integer("swizzle", 0, Limit::MapSwizzle);
  if (swizzle != 0 && swizzle != Limit::MapSwizzle)
    map.fail("swizzle", "must be " + std::to_string(Limit::MapSwizzle) + " or 0, is " + std::to_string(swizzle));
  argument.swizzled = swizzle != 0;
  if (object.find("dtype"))
    argument.element = static_cast<schema::Element>(map.choice("dtype", schema::elementNames));
  readBox(map, argument);
}

void Reader::readArgument(const std::string &prefix, const Value &object, LaunchArgument &argument) {
  using Kind = LaunchArgument::Kind;
  FieldReader item = fields(prefix, object);
  argument.kind = Kind::Map; // default
  for (Kind kind : {Kind::Pointer, Kind::Float, Kind::Integer})
    if (object.find(nameOf(kind)))
      argument.kind = kind;
  const char *key = nameOf(argument.kind);
  switch (argument.kind) {
  case Kind::Integer:
    argument.value = expression(item, key, *object.find(key));
    return;
  case Kind::Float:
    argument.number = static_cast<float>(item.number(key, -3.4028234e38, 3.4028234e38));
    return;
  case Kind::Pointer:
    argument.buffer = buffer(item, object, key, false);
    return;
  case Kind::Map:
    readMap(prefix + key + ".", item.get(key, Value::Kind::Object), argument);
    return;
  }
}

void Reader::readGrid(FieldReader &fields, Launch &launch) {
  std::vector<Expression> grid = expressions(fields, "grid", 3, 3);
  for (size_t i = 0; i < grid.size(); ++i)
    launch.grid[i] = std::move(grid[i]);
}

/// Reads what profiles need, which bundles of earlier releases lack.
void Reader::readWork(FieldReader &fields, const Value &object, Launch &launch) {
  if (object.find("part"))
    launch.part = static_cast<schema::Part>(fields.choice("part", schema::partNames));
  if (object.find("choice"))
    launch.choice = static_cast<uint32_t>(fields.integer("choice", 0, static_cast<int64_t>(list.choices.size()) - 1));
  if (const Value *bytes = object.find("bytes"))
    launch.bytes = expression(fields, "bytes", *bytes);
  if (const Value *flops = object.find("flops"))
    launch.flops = expression(fields, "flops", *flops);
}

void Reader::readCollective(FieldReader &item, const Value &object, CollectiveLaunch &collective) {
  collective.kind = static_cast<schema::Collective>(item.choice("collective", schema::collectiveNames));
  collective.ranks = item.integer("ranks", 1, scope.ranks);
  if (scope.ranks % collective.ranks != 0)
    item.fail("ranks", "must divide the ranks of the bundle, " + std::to_string(scope.ranks) + ", is " +
                           std::to_string(collective.ranks));
  constexpr size_t numSummed = 2; // f32 and bf16, the first of the table
  collective.element = static_cast<schema::Element>(item.choice("dtype", schema::elementNames, numSummed));
  auto bytes = static_cast<int64_t>(schema::bytesOf(1, schema::bitsOf(collective.element)));
  for (auto [name, use] : {std::pair("in", &collective.in), std::pair("out", &collective.out)}) {
    FieldReader place = item.child(name);
    *use = buffer(place, item.get(name, Value::Kind::Object), "pointer", false);
    if (use->offset % bytes != 0)
      place.fail("offset", "must be a multiple of an element, " + std::to_string(bytes) + " bytes, is " +
                               std::to_string(use->offset));
  }
  collective.count = requiredExpression(item, object, "count");
}

void Reader::readLaunch(const std::string &prefix, const Value &object, Launch &launch) {
  FieldReader item = fields(prefix, object);
  if (object.find("collective") && !object.find("kernel")) {
    readCollective(item, object, launch.collective.emplace());
    return readWork(item, object, launch);
  }
  std::string kernel = item.text("kernel");
  if (kernel.empty() || kernel.size() > maxKernelName)
    item.fail("kernel", "must have 1 to " + std::to_string(maxKernelName) + " bytes");
  launch.kernel = kernels.emplace(kernel, static_cast<uint32_t>(kernels.size())).first->second;
  readGrid(item, launch);
  launch.threads = static_cast<uint32_t>(item.integer("threads", 1, Limit::Threads));
  launch.shared = static_cast<uint32_t>(item.integer("shared", 0, Limit::Shared));
  launch.overlap = object.find("overlap") && item.get("overlap", Value::Kind::Bool).boolean;
  readWork(item, object, launch);
  const Value &arguments = item.get("args", Value::Kind::Array);
  if (arguments.items.size() > maxArguments)
    return item.fail("args", "has more than " + std::to_string(maxArguments) + " arguments");
  for (size_t i = 0; i < arguments.items.size() && !error; ++i) {
    std::string place = "args[" + std::to_string(i) + "]";
    if (!arguments.items[i].is(Value::Kind::Object))
      return item.fail(place.c_str(), std::string("must be an object, is ") + json::kindName(arguments.items[i].kind));
    readArgument(prefix + place + ".", arguments.items[i], launch.arguments.emplace_back());
  }
}

void Reader::readLaunches(const std::string &prefix, const Value &object) {
  FieldReader parent = fields(prefix, object);
  const Value &items = parent.get("launches", Value::Kind::Array);
  if (!error && (items.items.empty() || items.items.size() > size_t(Limit::Launches)))
    return parent.fail("launches", "must hold 1 to " + std::to_string(Limit::Launches) + " launches");
  for (size_t i = 0; i < items.items.size() && !error; ++i) {
    std::string place = "launches[" + std::to_string(i) + "]";
    if (!items.items[i].is(Value::Kind::Object))
      return parent.fail(place.c_str(), std::string("must be an object, is ") + json::kindName(items.items[i].kind));
    readLaunch(prefix + place + ".", items.items[i], list.launches.emplace_back());
  }
}

//===----------------------------------------------------------------------===//
// Limits of choices
//===----------------------------------------------------------------------===//

std::vector<int64_t> LaunchList::limits() const {
  std::vector<int64_t> all;
  for (const Choice &choice : choices)
    all.insert(all.end(), choice.limits.begin(), choice.limits.end());
  return all;
}

std::string LaunchList::whyNot(size_t choice, const std::vector<int64_t> &limits) const {
  const std::vector<int64_t> &most = choices[choice].most;
  if (limits.empty() || limits.size() != most.size())
    return "must hold as many numbers as 'most', at least one";
  for (size_t i = 0; i < limits.size(); ++i)
    if (limits[i] < (i ? limits[i - 1] : 0) || limits[i] > most[i])
      return "must be ascending, and of class " + std::to_string(i) + " 0 to " + std::to_string(most[i]) + ", is " +
             std::to_string(limits[i]);
  return "";
}

void LaunchList::setLimits(size_t choice, std::vector<int64_t> limitsOfChoice) {
  choices[choice].limits = std::move(limitsOfChoice);
  std::vector<int64_t> all = limits();
  for (Expression &bytes : workspace)
    bytes.setLimits(all);
  for (Launch &launch : launches) {
    for (Expression &blocks : launch.grid)
      blocks.setLimits(all);
    if (launch.collective)
      launch.collective->count.setLimits(all);
    for (LaunchArgument &argument : launch.arguments) {
      argument.value.setLimits(all);
      for (std::vector<Expression> *expressions : {&argument.dims, &argument.strides})
        for (Expression &expression : *expressions)
          expression.setLimits(all);
    }
  }
}

void mla::readLaunchList(const std::string &path, const std::string &prefix, const Value &object,
                         const LaunchScope &scope, LaunchList &list, Kernels &kernels, Error &error) {
  readBindings(path, prefix, object, scope.list, scope.types, list.bindings, error);
  Reader reader(path, scope, list, kernels, error);
  reader.readChoices(prefix, object);
  reader.readWorkspace(prefix, object);
  if (!error)
    reader.readLaunches(prefix, object);
}
