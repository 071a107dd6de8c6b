//===- PackedFormats.cpp - Table of packed forms --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackedFormat.h"

using namespace mla;
using namespace mla::importer;
using llvm::StringLiteral;

/// AWQ stores the outputs 0, 2, 4, 6, 1, 3, 5, 7 of eight from the lowest bits up (AutoAWQ, version gemm).
static constexpr uint8_t orderOfAWQ[] = {0, 4, 1, 5, 2, 6, 3, 7};

// Of two rows that fit, the first is meant.
static constexpr PackedFormat table[] = {
    {"AWQ", Code::Integer, ".qweight", DType::I32, /*isTransposed=*/true, /*packsOutputs=*/true, orderOfAWQ, ".scales",
     ScaleCode::Float, /*group=*/0, ".qzeros", /*needsZeros=*/true, /*zerosAreLess=*/false, "", "", GlobalScale::None},
    {"GPTQ", Code::Integer, ".qweight", DType::I32, /*isTransposed=*/true, /*packsOutputs=*/false, nullptr, ".scales",
     ScaleCode::Float, /*group=*/0, ".qzeros", /*needsZeros=*/false, /*zerosAreLess=*/true, ".g_idx", "",
     GlobalScale::None},
    // compressed-tensors: pack-quantized, nvfp4-pack-quantized, mxfp4-pack-quantized
    {"compressed-tensors", Code::Integer, ".weight_packed", DType::I32, /*isTransposed=*/false, /*packsOutputs=*/false,
     nullptr, ".weight_scale", ScaleCode::Float, /*group=*/0, ".weight_zero_point", /*needsZeros=*/false,
     /*zerosAreLess=*/false, ".weight_g_idx", "", GlobalScale::None},
    {"NVFP4", Code::E2M1, ".weight_packed", DType::U8, /*isTransposed=*/false, /*packsOutputs=*/false, nullptr,
     ".weight_scale", ScaleCode::E4M3, /*group=*/16, "", /*needsZeros=*/false, /*zerosAreLess=*/false, "",
     ".weight_global_scale", GlobalScale::Divisor},
    {"MXFP4", Code::E2M1, ".weight_packed", DType::U8, /*isTransposed=*/false, /*packsOutputs=*/false, nullptr,
     ".weight_scale", ScaleCode::E8M0, /*group=*/32, "", /*needsZeros=*/false, /*zerosAreLess=*/false, "", "",
     GlobalScale::None},
    // Model Optimizer
    {"NVFP4", Code::E2M1, ".weight", DType::U8, /*isTransposed=*/false, /*packsOutputs=*/false, nullptr,
     ".weight_scale", ScaleCode::E4M3, /*group=*/16, "", /*needsZeros=*/false, /*zerosAreLess=*/false, "",
     ".weight_scale_2", GlobalScale::Factor},
    // Quark; MXFP8 also of Model Optimizer
    {"MXFP4", Code::E2M1, ".weight", DType::U8, /*isTransposed=*/false, /*packsOutputs=*/false, nullptr,
     ".weight_scale", ScaleCode::E8M0, /*group=*/32, "", /*needsZeros=*/false, /*zerosAreLess=*/false, "", "",
     GlobalScale::None},
    {"MXFP8", Code::E4M3, ".weight", DType::F8_E4M3, /*isTransposed=*/false, /*packsOutputs=*/false, nullptr,
     ".weight_scale", ScaleCode::E8M0, /*group=*/32, "", /*needsZeros=*/false, /*zerosAreLess=*/false, "", "",
     GlobalScale::None},
    // compressed-tensors: int-quantized
    {"INT8", Code::Signed, ".weight", DType::I8, /*isTransposed=*/false, /*packsOutputs=*/false, nullptr,
     ".weight_scale", ScaleCode::Float, /*group=*/0, "", /*needsZeros=*/false, /*zerosAreLess=*/false, "", "",
     GlobalScale::None},
};

llvm::ArrayRef<PackedFormat> mla::importer::packedFormats() { return table; }
