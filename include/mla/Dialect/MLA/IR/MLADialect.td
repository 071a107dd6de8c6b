//===- MLADialect.td - The dialect and its enums -----------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_TD
#define MLA_DIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def MLA_Dialect : Dialect {
  let name = "mla";
  let summary = "Multi-head Latent Attention on tensors";
  let description = [{
    Multi-head Latent Attention (DeepSeek-V2, arXiv:2405.04434, section 2.1)
    caches one compressed latent per token instead of keys and values. This
    dialect represents such an attention layer as a checkpoint defines it, and
    every form that follows by associativity, so that moving an up-projection is
    a rewrite of visible operations and not a property of a kernel.

    | symbol | meaning | config.json |
    |---|---|---|
    | `T` | tokens of this step, packed: all sequences one after the other | |
    | `B` | sequences of this step | |
    | `N` | cached tokens of all sequences, packed | |
    | `D` | width of the hidden state | `hidden_size` |
    | `H` | heads (of this rank) | `num_attention_heads` |
    | `P`, `R` | width of a head's query without and with position | `qk_nope_head_dim`, `qk_rope_head_dim` |
    | `V` | width of a head's value | `v_head_dim` |
    | `L` | width of the latent | `kv_lora_rank` |
    | `E`, `C` | experts, and those chosen for a token | `n_routed_experts`, `num_experts_per_tok` |

    `T`, `B`, `N` are dynamic, model dimensions are static. Sequence `b` owns
    tokens `cu[b]` to `cu[b + 1] - 1` of a packed tensor. Arithmetic is in
    float32 whatever the element types are; a result is rounded once, when
    stored.

    Attributes of functions and modules:

    * `mla.plan` on a module: the chosen `#mla.plan`;
    * `mla.fold_across_rounding`, a unit, on a module or a function: part of the
      plan, permits products that omit roundings between their factors;
    * `mla.phase` on a function: its phase of inference;
    * `mla.regime` on a function: the regime of the plan whose forms it has;
    * `mla.checkpoint_prefix`, `mla.layers` on a module: weights are named for
      the first layer; the other layers share the code;
    * `mla.layers` on a function: those of the module's layers that it serves, if
      there are several kinds; `mla.end`: the end of a model that it computes,
      "embed" or "logits";
    * `mla.model` on a module: the description of the model, the cache and the
      rank for the bundle's manifest, under the keys of `mla/abi.h`. Requires
      positive integers `heads`, `kv_lora_rank`, `page`, `qk_nope_head_dim` and
      `v_head_dim`, and `qk_rope_head_dim`, which may be 0;
    * `mla.cuts` on an operation that sums: what ranks divide of what it sums over,
      an array of `#mla.cut`;
    * `mla.most_heads` on the module of one rank: the heads of the rank that has
      most. Its collectives (`shard`) are on the grid `@ranks`;
    * `mla.products` on a `@prepare` function: the elements that projections by
      its weight multiply, a `#mla.products`; on an `mla.latent_attention` with a
      packed cache: those that it multiplies. Nowhere else;
    * `mla.buffer` on an argument or a result of an attention-only function: the
      name of its buffer;
    * `mla.name` on an operation on weights: the name of its result in names of
      prepared weights (`w_uk`), if the checkpoint has no name for it.
  }];
  let cppNamespace = "::mla";
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttrs();
    void registerTypes();

    /// The registered kernel targets, the default one first; see KernelKind.h.
    ::llvm::ArrayRef<std::unique_ptr<KernelTarget>> getTargets() const { return targets; }
    /// Finds a target by chip; returns null if there is none.
    KernelTarget *findTarget(::llvm::StringRef chip);
    void add(std::unique_ptr<KernelTarget> target);

  private:
    std::vector<std::unique_ptr<KernelTarget>> targets;
  }];
}

class MLA_Attr<string name, string mnemonicText> : AttrDef<MLA_Dialect, name> {
  let mnemonic = mnemonicText;
}

class MLA_I32Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mla";
  let genSpecializedAttr = 0;
}

def MLA_Phase : MLA_I32Enum<"Phase", "phase of inference", [
  I32EnumAttrCase<"Prefill", 0, "prefill">,
  I32EnumAttrCase<"Decode", 1, "decode">
]>;
def MLA_PhaseAttr : EnumAttr<MLA_Dialect, MLA_Phase, "phase"> {
  let assemblyFormat = "`<` $value `>`";
}

def MLA_Form : MLA_I32Enum<"Form", "form of a side's up-projection", [
  I32EnumAttrCase<"Naive", 0, "naive">,
  I32EnumAttrCase<"Absorb", 1, "absorb">,
  I32EnumAttrCase<"Fold", 2, "fold">
]>;

def MLA_CacheFormat : MLA_I32Enum<"CacheFormat", "how a cache holds the row of a token", [
  I32EnumAttrCase<"Standard", 0, "standard">,
  I32EnumAttrCase<"FP8Tensor", 1, "fp8_tensor">,
  I32EnumAttrCase<"FP8Row", 2, "fp8_row">
]>;

def MLA_Heads : MLA_I32Enum<"Heads", "which sides of a projection have heads", [
  I32EnumAttrCase<"None", 0, "plain">,
  I32EnumAttrCase<"To", 1, "to_heads">,
  I32EnumAttrCase<"Per", 2, "per_head">,
  I32EnumAttrCase<"From", 3, "from_heads">
]>;
def MLA_HeadsAttr : EnumAttr<MLA_Dialect, MLA_Heads, "heads">;

def MLA_Collective : MLA_I32Enum<"Collective", "how ranks exchange data", [
  I32EnumAttrCase<"AllReduce", 0, "all_reduce">,
  I32EnumAttrCase<"AllGather", 1, "all_gather">,
  I32EnumAttrCase<"AllToAll", 2, "all_to_all">
]>;
def MLA_CollectiveAttr : EnumAttr<MLA_Dialect, MLA_Collective, "collective">;

def MLA_CutKind : MLA_I32Enum<"CutKind", "what ranks divide", [
  I32EnumAttrCase<"Heads", 0, "heads">,    // of an attention
  I32EnumAttrCase<"Width", 1, "width">,    // of what an MLP or an expert activates
  I32EnumAttrCase<"Experts", 2, "experts">
]>;

def MLA_ProductElements : MLA_I32Enum<"ProductElements", "the elements that a projection multiplies", [
  I32EnumAttrCase<"Plain", 0, "plain">,  // as weights are stored
  I32EnumAttrCase<"E4M3", 1, "e4m3">,
  I32EnumAttrCase<"E4M3x2", 2, "e4m3x2"> // two terms per element of a token
]>;

def MLA_MaskKind : MLA_I32Enum<"MaskKind", "which keys of its sequence a query sees", [
  I32EnumAttrCase<"Causal", 0, "causal">,
  I32EnumAttrCase<"None", 1, "none">,
  I32EnumAttrCase<"Window", 2, "window">
]>;

def MLA_RopeStyle : MLA_I32Enum<"RopeStyle", "which elements rotate together", [
  I32EnumAttrCase<"Interleaved", 0, "interleaved">,
  I32EnumAttrCase<"HalfSplit", 1, "half_split">
]>;
def MLA_RopeStyleAttr : EnumAttr<MLA_Dialect, MLA_RopeStyle, "rope_style">;

#endif // MLA_DIALECT_TD
