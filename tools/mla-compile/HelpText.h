//===- HelpText.h - What --help says after the options ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_COMPILE_HELPTEXT_H
#define MLA_COMPILE_HELPTEXT_H

namespace mla {

inline constexpr const char helpText[] = R"(
MLIR's --mlir-print-ir-*, --mlir-timing and --mlir-pass-statistics work as in mlir-opt; --help-hidden lists them.

Exit status: 0 success; 1 failure; 2 wrong usage.

Examples:
  mla-compile --weights=golden.safetensors -o layer0.mla && mla-run layer0.mla --check=golden.safetensors
  mla-compile --weights=DeepSeek-V3 --layers=0-3 --dtype=bf16 -o v3.mla
  mla-compile --weights=DeepSeek-V2-Lite --scope=layer --layers=1 -o layer1.mla
  mla-compile --weights=DeepSeek-V2-Lite --scope=model -o model.mla && mla-run model.mla --generate --prompt=1,2,3
  mla-compile --config=config.json --plan=decode.q=fold,decode.o=absorb --emit=fold -o -
  mla-compile --weights=DeepSeek-V3 --adapter=lora --layers=all --dtype=bf16 -o tuned.mla
  mla-compile --weights=DeepSeek-V3 --adapter=lora1 --adapter=lora2 --unmerged --dtype=bf16 -o both.mla
  mla-compile --weights=DeepSeek-V2-Lite --scope=model --tp=2 --ep=2 -o model-tp2 && mla-run model-tp2 --generate --prompt=1,2,3
  mla-compile --config=config.json --tp=8 --rank=0 --emit=import -o rank0.mlir
  mla-compile --weights=DeepSeek-V3 --layers=all --target=h100 --tp=8 --rank=all -o v3-tp8
  mla-compile --config=config.json --target=h100 --schedule=decode.o:overhead=7,min_blocks=4 -o other.mla
  mla-compile --config=config.json --target=h100 --emit=kernels -o layer.mlir     # to edit, and then:
  mla-compile layer.mlir --config=config.json -o edited.mla
  mla-compile --config=config.json --report=html --baseline=other.json --batch=32 -o report.html
  mla-compile --weights=DeepSeek-V3 --report --target=h200 --tp=8 --batch=128
)";

} // namespace mla

#endif // MLA_COMPILE_HELPTEXT_H
