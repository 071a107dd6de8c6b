//===- TuneApi.cpp - The functions of tune.h ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Enqueue.h"
#include "Status.h"

#include "mla/tune.h"

using namespace mla;

int64_t mla_bundle_num_choices(const mla_bundle *bundle) {
  return bundle ? static_cast<int64_t>(bundle->choices.size()) : 0;
}

const mla_choice_info *mla_bundle_get_choice(const mla_bundle *bundle, int64_t index) {
  return bundle && index >= 0 && index < mla_bundle_num_choices(bundle) ? &bundle->choices[index].info : nullptr;
}

mla_status mla_bundle_set_limits(mla_bundle *bundle, int64_t index, const int64_t *limits, int64_t num_limits) {
  const char *function = "mla_bundle_set_limits";
  if (Error error = checkGpuBundle(function, bundle))
    return report(error);
  if (!mla_bundle_get_choice(bundle, index))
    return report(badArgument(function, "index is " + std::to_string(index) + "; give a choice below " +
                                            std::to_string(bundle->choices.size())));
  if (!limits || num_limits < 0)
    return report(badArgument(function, "limits is NULL or num_limits negative; pass both"));
  std::vector<int64_t> values(limits, limits + num_limits);
  if (std::string why = bundle->choices[index].whyNot(values); !why.empty())
    return report(badArgument(function, "limits " + why));
  bundle->choices[index].set(std::move(values));
  return MLA_OK;
}

mla_status mla_bundle_driver_version(const mla_bundle *bundle, int32_t *version) {
  const char *function = "mla_bundle_driver_version";
  if (Error error = checkGpuBundle(function, bundle))
    return report(error);
  if (!version)
    return report(badArgument(function, "version is NULL; pass a place for the result"));
  const cuda::Driver &driver = bundle->gpu->context()->driver;
  if (cuda::Status status = driver.cuDriverGetVersion(version))
    return report(driver.failed(function, "cuDriverGetVersion", status));
  return MLA_OK;
}
