//===- Enqueue.cpp - Checks of enqueued calls -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Enqueue.h"
#include "Status.h"

using namespace mla;

void FieldChecker::fail(const std::string &what) {
  if (!error)
    error = badArgument(function, what);
}

void FieldChecker::size(const char *name, int64_t value, int64_t least, int64_t most) {
  if (value < least || value > most)
    fail(std::string(name) + " is " + std::to_string(value) + "; give " + std::to_string(least) + " to " +
         std::to_string(most));
}

void FieldChecker::product(const char *name, int64_t left, const char *otherName, int64_t right) {
  int64_t result = 0;
  if (__builtin_mul_overflow(left, right, &result) || result > INT32_MAX)
    fail(std::string(name) + " times " + otherName + ", " + std::to_string(left) + " times " + std::to_string(right) +
         ", exceeds 2147483647; give less");
}

void FieldChecker::pointer(const char *name, const void *pointer, uint64_t alignment) {
  if (!pointer)
    fail(std::string(name) + " is NULL; pass its address");
  else if (reinterpret_cast<uintptr_t>(pointer) % alignment)
    fail(std::string(name) + " is not aligned to " + std::to_string(alignment) + " bytes; align it");
}

void FieldChecker::hiddenAndOut(const void *hidden, const void *out, uint64_t bytes, uint64_t alignment) {
  pointer("hidden", hidden, alignment);
  pointer("out", out, alignment);
  uintptr_t from = reinterpret_cast<uintptr_t>(hidden), to = reinterpret_cast<uintptr_t>(out);
  if (from < to ? to - from < bytes : from - to < bytes)
    fail("hidden and out overlap; give out its own memory");
}

void mla::checkQueries(FieldChecker &check, const Sizes &sizes, int64_t mostQueries) {
  int64_t tokens = sizes[Size::Tokens], batch = sizes[Size::Batch], queries = sizes[Size::MaxQueries];
  check.size("tokens", tokens, 1);
  check.size("batch", batch, 1);
  check.size("max_queries", queries, 1, mostQueries);
  check.size("max_length", sizes[Size::MaxLength], 1);
  // Otherwise the product would overflow.
  if (!check.failed() && tokens > batch * queries)
    check.fail("tokens is " + std::to_string(tokens) + ", more than batch times max_queries, " + std::to_string(batch) +
               " times " + std::to_string(queries) + "; raise max_queries");
}

void mla::checkCached(FieldChecker &check, const Sizes &sizes) {
  int64_t cached = sizes[Size::Cached], batch = sizes[Size::Batch], length = sizes[Size::MaxLength];
  check.size("cached", cached, 1);
  if (!check.failed() && cached > batch * length)
    check.fail("cached is " + std::to_string(cached) + ", more than batch times max_length, " + std::to_string(batch) +
               " times " + std::to_string(length) + "; give less, or raise max_length");
}

void mla::checkPaged(FieldChecker &check, const mla_bundle_info &info, Sizes &sizes) {
  int64_t pages = sizes[Size::Pages], width = sizes[Size::TableWidth], batch = sizes[Size::Batch];
  int64_t length = sizes[Size::MaxLength];
  check.size("num_pages", pages, 1);
  check.size("table_width", width, 1);
  check.product("num_pages", pages, "page", info.page);
  check.product("batch", batch, "table_width", width);
  if (check.failed())
    return; // the products below would overflow
  if (length > width * info.page)
    check.fail("max_length is " + std::to_string(length) + ", but a row of block_table has room for " +
               std::to_string(width * info.page) + " tokens; raise table_width");
  if (sizes[Size::Cached] == 0) {
    check.product("batch", batch, "max_length", length);
    sizes[Size::Cached] = batch * length;
  }
  checkCached(check, sizes);
}

Error mla::checkOpenBundle(const char *function, const mla_bundle *bundle) {
  if (!bundle)
    return badArgument(function, "bundle is NULL; pass one of mla_bundle_open");
  if (bundle->gpu || bundle->code)
    return {};
  return badArgument(function, "bundle " + bundle->path + " is only inspected; open it with mla_bundle_open");
}

Error mla::checkGpuBundle(const char *function, const mla_bundle *bundle) {
  if (bundle && !bundle->info.device_memory)
    return Error(ErrorKind::Unsupported, std::string(function) + ": bundle " + bundle->path + " is for target " +
                                             bundle->manifest.target + ", which has whole layers only; use " +
                                             "mla_enqueue_layer");
  return checkOpenBundle(function, bundle);
}

Error mla::findCore(const char *function, const mla_bundle *bundle, schema::Core core, const LaunchList *&list) {
  if (Error error = checkGpuBundle(function, bundle))
    return error;
  const std::optional<LaunchList> &found = bundle->manifest.cores[static_cast<unsigned>(core)];
  if (!found)
    return Error(ErrorKind::Unsupported, std::string(function) + ": bundle " + bundle->path + " has no kernel " +
                                             nameOf(core) +
                                             " of its own; it was made by an earlier release, or for widths that there "
                                             "is no such kernel for");
  list = &*found;
  return {};
}

namespace {
/// The struct of runtime.h whose fields are the buffers of a list.
template <schema::List> struct CallOf {
  using Type = mla_step;
};
template <> struct CallOf<schema::List::LatentAttention> {
  using Type = mla_latent_attention;
};
template <> struct CallOf<schema::List::NaiveAttention> {
  using Type = mla_naive_attention;
};
template <> struct CallOf<schema::List::Embed> {
  using Type = EndArrays;
};
template <> struct CallOf<schema::List::Logits> {
  using Type = EndArrays;
};
template <> struct CallOf<schema::List::Next> {
  using Type = EndArrays;
};
} // namespace

/// For each row of the table, the offset of the field with the binding's name.
static constexpr size_t fieldOffsets[] = {
#define MLA_BINDING(Kind, Buffer, name, Access, Element, Group, Extents)                                               \
  offsetof(CallOf<schema::List::Kind>::Type, name),
#include "mla/launch_abi.def"
};

static void giveFields(LaunchBindings &bindings, schema::List list, const void *call) {
  for (const schema::Binding &binding : schema::bindings) {
    if (binding.list != list)
      continue;
    const void *address = nullptr;
    std::memcpy(&address, static_cast<const char *>(call) + fieldOffsets[&binding - schema::bindings], sizeof(address));
    bindings.give(binding.buffer, address);
  }
}

void mla::give(LaunchBindings &bindings, schema::List list, const mla_step &step) { giveFields(bindings, list, &step); }
void mla::give(LaunchBindings &bindings, schema::List list, const mla_latent_attention &attention) {
  giveFields(bindings, list, &attention);
}
void mla::give(LaunchBindings &bindings, schema::List list, const mla_naive_attention &attention) {
  giveFields(bindings, list, &attention);
}
void mla::give(LaunchBindings &bindings, schema::List list, const EndArrays &arrays) {
  giveFields(bindings, list, &arrays);
}

void mla::checkGiven(FieldChecker &check, const LaunchList &list, const LaunchBindings &bindings) {
  for (const BufferBinding &binding : list.bindings)
    if (!binding.isEmpty())
      check.pointer(nameOf(binding.buffer), reinterpret_cast<const void *>(bindings[binding.buffer]),
                    alignmentOf(binding.element));
  auto binds = [&](schema::Buffer buffer) {
    return std::any_of(list.bindings.begin(), list.bindings.end(),
                       [&](const BufferBinding &one) { return one.buffer == buffer; });
  };
  for (const schema::Binding &row : schema::bindings)
    if (row.group == schema::Group::Optional && bindings[row.buffer] && !binds(row.buffer))
      return check.fail(std::string(row.name) + " is given, and the bundle's kernels have none; give NULL");
}

Error mla::enqueueList(const char *function, const mla_bundle &bundle, const LaunchList &list, LaunchBindings &bindings,
                       const Workspace &workspace, Profile *profile, int64_t layer) {
  Error error;
  FieldChecker check(function, error);
  if (!list.workspace.empty())
    check.pointer("workspace", workspace.memory, workspaceAlignment);
  if (error)
    return error;
  bindings.workspace = {reinterpret_cast<uint64_t>(workspace.memory), workspace.bytes};
  bindings.stream = static_cast<cuda::Stream>(workspace.stream);
  return profile ? profile->enqueue(function, bundle, list, bindings, layer)
                 : bundle.gpu->enqueue(function, list, bindings);
}

Sizes mla::sizesOnDevice(const mla_bundle &bundle, Sizes sizes) {
  constexpr int64_t usualProcessors = 132;
  sizes[Size::Processors] = bundle.gpu ? bundle.gpu->context()->processors : usualProcessors;
  return sizes;
}

Error mla::giveWorkspace(const char *function, const mla_bundle &bundle, const LaunchList &list, const Sizes &sizes,
                         uint64_t *bytes) {
  if (!bytes)
    return badArgument(function, "bytes is NULL; pass a place for the result");
  Result<uint64_t> result = workspaceBytes(function, list, sizesOnDevice(bundle, sizes));
  if (!result)
    return result.error();
  *bytes = *result;
  return {};
}
