//===- Passes.td - Into and out of the mla dialect ---------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_PASSES_TD
#define MLA_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def MLARaise : Pass<"mla-raise", "::mlir::func::FuncOp"> {
  let summary = "Recognise MLA in linalg on tensors";
  let description = [{
    Rewrites an attention whose queries, keys and values are computed from hidden
    states as in MLA (arXiv:2405.04434, section 2.1) with the operations of the
    dialect, from the hidden states to the output projection. The original
    operations are removed unless something else uses them. Everything else stays
    as it is; a remark says which condition does not hold.

    Matches the formula of an element, not the operations that compute it:
    reshapes, transposes, slices, concatenations, broadcasts and copies, named
    and generic operations, fused or not, are looked through. An attention is

    | piece | formula | may be |
    |---|---|---|
    | probabilities | `exp(s - m) / sum_j exp(s - m)`, m a maximum or a constant | guarded like PyTorch's safe softmax |
    | scores | `scale * (q_nope · k_nope + q_rope · k_rope) + mask` | one product over both parts; scaled on q, on k or after |
    | mask | 0 where key j <= query s, else -1e4 or less | added, filled in, a constant; see `causal-masks` |
    | k_nope, v | `W c` per head, c one latent for both and all heads | rows of one weight or two weights |
    | c | `gamma * x / sqrt(mean(x^2) + epsilon)` | in any order |
    | q_rope, k_rope | pairs `(a cos - b sin, b cos + a sin)`, k_rope one for all heads | neighbours or halves, complex; `cos` and `sin` tensors or functions of positions |
    | q | `W x` or `W norm(W x)` | |
    | x, before its norm; k_rope before its rotation | `W h (+ bias)` of the same hidden states | rows of one weight or two weights |

    `cos(position * frequency)` with constant frequencies becomes `mla.rope`; for
    other cosines and sines the rotation stays linalg. Sizes are static. Elements
    are f32, bf16 or f16; between hidden states and result everything is in f32,
    so that roundings of the layer in between are omitted. Sequences of S tokens
    are a ragged batch whose cumulative lengths are 0, S, 2 S, …: the keys are
    those of this call alone, without a cache.

    A mask that is an argument may hide anything. With `causal-masks` the caller
    promises that every such mask is causal and hides nothing else, as for
    sequences of one length.

    Example of one sequence of 4 tokens with 2 heads (test/Conversion/LinalgToMLA):

    ```mlir
    func.func @layer(%hidden: tensor<4x8xf32>, %w_q: tensor<2x8x8xf32>, %w_dkv: tensor<9x8xf32>, %gamma: tensor<5xf32>,
                     %w_uk: tensor<2x4x5xf32>, %w_uv: tensor<2x3x5xf32>, %w_o: tensor<8x6xf32>) -> tensor<4x8xf32> {
      %q = mla.project to_heads %hidden, %w_q : (tensor<4x8xf32>, tensor<2x8x8xf32>) -> tensor<4x2x8xf32>
      %q_nope = tensor.extract_slice %q[0, 0, 0] [4, 2, 4] [1, 1, 1] : tensor<4x2x8xf32> to tensor<4x2x4xf32>
      %q_pe = tensor.extract_slice %q[0, 0, 4] [4, 2, 4] [1, 1, 1] : tensor<4x2x8xf32> to tensor<4x2x4xf32>
      %kv = mla.project %hidden, %w_dkv : (tensor<4x8xf32>, tensor<9x8xf32>) -> tensor<4x9xf32>
      %c_raw = tensor.extract_slice %kv[0, 0] [4, 5] [1, 1] : tensor<4x9xf32> to tensor<4x5xf32>
      %k_pe = tensor.extract_slice %kv[0, 5] [4, 4] [1, 1] : tensor<4x9xf32> to tensor<4x4xf32>
      %c = mla.rms_norm %c_raw, %gamma {epsilon = 1.0e-6 : f64} : tensor<4x5xf32>, tensor<5xf32> -> tensor<4x5xf32>
      %positions = arith.constant dense<[0, 1, 2, 3]> : tensor<4xi32>
      %position = tensor.cast %positions : tensor<4xi32> to tensor<?xi32>
      %q_rope = mla.rope half_split %q_pe at %position {frequencies = array<f32: 1.0, 0.1>} : tensor<4x2x4xf32>
      %k_rope = mla.rope half_split %k_pe at %position {frequencies = array<f32: 1.0, 0.1>} : tensor<4x4xf32>
      %k_nope = mla.project to_heads %c, %w_uk : (tensor<4x5xf32>, tensor<2x4x5xf32>) -> tensor<4x2x4xf32>
      %v = mla.project to_heads %c, %w_uv : (tensor<4x5xf32>, tensor<2x3x5xf32>) -> tensor<4x2x3xf32>
      %lengths = arith.constant dense<[0, 4]> : tensor<2xi32>
      %cu = tensor.cast %lengths : tensor<2xi32> to tensor<?xi32>
      %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu) values(%v) {scale = 0.35 : f64}
          : (tensor<4x2x4xf32>, tensor<4x2x4xf32>, tensor<4x2x4xf32>, tensor<4x4xf32>, tensor<4x2x3xf32>)
          -> tensor<4x2x3xf32>
      %heads = tensor.expand_shape %w_o [[0], [1, 2]] output_shape [8, 2, 3] : tensor<8x6xf32> into tensor<8x2x3xf32>
      %out = mla.project from_heads %o, %heads : (tensor<4x2x3xf32>, tensor<8x2x3xf32>) -> tensor<4x8xf32>
      return %out : tensor<4x8xf32>
    }
    ```
  }];
  let options = [
    Option<"causalMasks", "causal-masks", "bool", "false",
           "masks that are arguments of a function are causal: the caller promises it">
  ];
  let statistics = [
    Statistic<"raised", "raised", "Layers raised">,
    Statistic<"declined", "declined", "Attentions that are no MLA">
  ];
  let dependentDialects = [
    "::mla::MLADialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def MLAToLinalg : Pass<"mla-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Decompose mla operations into linalg on tensors";
  let description = [{
    Attention becomes a loop over pages (latent) or key tiles (naive) with the
    online softmax of FlashAttention (arXiv:2205.14135); independent rows are
    `scf.forall`. A cache becomes its pages, block table and lengths. Every
    linalg operation has static sizes in the dimensions that are worth tiling.
    Preserves values up to the order of summation.

    With `matrix-tiles`, blocks of 32 tokens are multiplied by a weight of bf16
    in pairs, which tiles of a processor multiply (`mla-cpu-matrix-tiles`); their
    elements are rounded to bf16.
  }];
  let options = [
    Option<"matrixTiles", "matrix-tiles", "bool", "false", "emit products for matrix tiles where sizes suit them">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"
  ];
}

def MLATilePrepare : Pass<"mla-tile-prepare", "::mlir::ModuleOp"> {
  let summary = "Tile @prepare functions";
  let description = [{
    A function `@prepare.<weight>(weights…)` with bound weights becomes
    `@prepare.<weight>(weights…, offsets, tile)`: it writes to `tile` the box of
    the weight that starts at `offsets` (one per dimension, multiples of the
    tile's sizes). If the weight is rounded for storage, `tile` is in f32 and a
    second, last one gets the rounded elements, so that the result can be checked
    before rounding. The tile's sizes are the function's `mla.tile`, chosen and
    attached if missing; they divide those of the weight.

    A product is computed in place, in panels where the layout requires them.
    Everything else is `linalg` on the tile.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"
  ];
}

def MLAAttachTarget : Pass<"mla-attach-target", "::mlir::ModuleOp"> {
  let summary = "Attach the GPU target of a module";
  let description = [{
    Writes the facts of a target into the module's `dlti.target_system_spec`,
    unless the module has one. Passes and generators read them from there:

    | entry | meaning |
    |---|---|
    | `name` | the target, as in `--target=` |
    | `chip`, `features` | passed to LLVM's target machine and ptxas; selects the chip's kinds of kernels |
    | `multiprocessors` | number of SMs that schedules are chosen for |

    Without an entry a module is compiled for the first registered target.

    ```mlir
    module attributes {dlti.target_system_spec = #dlti.target_system_spec<
      "GPU" = #dlti.target_device_spec<
        "name" = "h100", "chip" = "sm_90a", "features" = "+ptx86", "multiprocessors" = 132 : i64>>} {}
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"h100\"", "the target's name">
  ];
  let dependentDialects = ["::mla::MLADialect", "::mlir::DLTIDialect"];
}

def MLAScheduleKernels : Pass<"mla-schedule-kernels", "::mlir::ModuleOp"> {
  let summary = "Choose tiles, stages and splits of every kernel";
  let description = [{
    Attaches a `#mla.schedule` to every `mla.kernel`, or adds missing keys to an
    existing one. Changes nothing else. Choices depend on the kernel's kind and
    widths and on the function's phase and regime. Those of a projection have the
    least predicted time for 64 tokens in decode, and in prefill if the regime
    has a last number of tokens; for 4096 otherwise. They are correct for any
    number. Up-projections of cached tokens use only the regime's last context.

    A projection of typically few tokens has up to four classes of choices, each
    with a kernel of its own: up to 16, 64 and 128 tokens, and more. Each has the
    least predicted time for its limit, the last for twice the limit before. A
    class is left out if the choices of the next one are as good. The classes of
    an existing schedule are kept.

    `forced` names kernels and choices for them, `decode.o:few_rows=0,overhead=7`:
    a kernel by its name, alone or after that of its function. The choices are
    those of every class; or of one class each, separated by `/`, all but the last
    with a `limit`; or with `classes=1` of the only one. What is left open is
    chosen. `mla.forced` on the kernel has the request, and errors name it.

    With `batch-invariant` the result of a sequence does not depend on the others
    in its batch, bit by bit: its pages are split at a fixed size, and projections
    have one class.
  }];
  let options = [
    Option<"batchInvariant", "batch-invariant", "bool", "false",
           "a sequence's results do not depend on its batch">,
    Option<"forced", "forced", "std::string", "\"\"", "KERNEL:KEY=VALUE,..., separated by ';'">
  ];
}

def ConvertMLAToGPU : Pass<"convert-mla-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Generate code and launches for mla.kernel operations";
  let description = [{
    The generators of the kernels' kinds write functions into `gpu.module
    @kernels`; equal kernels are shared. A function of kernels becomes
    `mla.launches` of its name: arguments and results are the caller's memory
    (mla/abi.h, or `mla.buffer`), weights are memory by name, and values between
    kernels are scratch memory of the size of their type. This pass makes no
    choices; they are in the schedules. An attention-only function without a
    kernel for its widths is skipped with a remark. Adds a kernel `mla_probe`,
    with which the runtime checks an assumption of all others, and for an
    imported layer the launch list `@step_check`, with which an engine checks its
    tables.
  }];
  let dependentDialects = [
    "::mla::MLADialect", "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect"
  ];
}

#endif // MLA_CONVERSION_PASSES_TD
