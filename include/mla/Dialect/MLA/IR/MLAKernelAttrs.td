//===- MLAKernelAttrs.td - Schedules and arguments ---------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_KERNELATTRS_TD
#define MLA_KERNELATTRS_TD

include "mla/Dialect/MLA/IR/MLADialect.td"
include "mlir/IR/AttrTypeBase.td"

def MLA_Schedule : MLA_Attr<"Schedule", "schedule"> {
  let summary = "the schedule of a kernel: tiles, stages, splits";
  let description = [{
    The choices for a kernel of this kind, all integers. `mla-schedule-kernels`
    adds missing ones. The kind defines the keys; its generator follows them and
    rejects values that it does not support.

    Some kinds have choices for several classes of steps, in a list. A class is
    for steps of up to `limit` tokens that no class before it is for; the last
    one has no limit.

    ```mlir
    module attributes {
      test.schedule = #mla.schedule<projection, {rows = 128, splits = 1, stages = 5, tokens = 64}>,
      test.classes = #mla.schedule<projection, [{limit = 16, tokens = 16}, {limit = 64, tokens = 64}, {tokens = 128} ]>
    } {}
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$kind, ArrayRefParameter<"::mlir::DictionaryAttr">:$classes);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [
    AttrBuilder<(ins "::llvm::StringRef":$kind,
                     "::llvm::ArrayRef<::llvm::SmallVector<std::pair<::llvm::StringRef, int64_t>>>":$classes)>
  ];
  let extraClassDeclaration = [{
    /// Return the value of a key in a class, or nothing.
    std::optional<int64_t> find(::llvm::StringRef name, size_t ofClass = 0) const;
    /// Return the value of a key in a class. Requires a complete schedule.
    int64_t get(::llvm::StringRef name, size_t ofClass = 0) const { return *find(name, ofClass); }
  }];
}

def MLA_TensorMap : MLA_Attr<"TensorMap", "tensor_map"> {
  let summary = "an argument: a tensor map that the runtime encodes for every step";
  let description = [{
    Describes a bf16 tensor for TMA (PTX ISA, 5.5.8), innermost dimension first.
    `strides` are bytes between neighbours of the second and later dimensions.
    Elements outside the extents read as zero and are not written. `offset` is
    in bytes from the start of the buffer.

    ```mlir
    module attributes {
      test.map = #mla.tensor_map<"hidden", offset = 0, dims = (7168, tokens), strides = (14336), box = (64, 64),
                                 swizzle = 128>
    } {}
    ```
  }];
  let parameters = (ins
    "::mlir::StringAttr":$buffer, "int64_t":$offset, "::mlir::AffineMap":$dims, "::mlir::AffineMap":$strides,
    ArrayRefParameter<"int64_t">:$box, "int64_t":$swizzle
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def MLA_Pointer : MLA_Attr<"Pointer", "pointer"> {
  let summary = "an argument: the address of a buffer plus an offset in bytes";
  let description = [{
    ```mlir
    module attributes {test.address = #mla.pointer<"temp:0", offset = 1024>} {}
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$buffer, DefaultValuedParameter<"int64_t", "0">:$offset);
  let assemblyFormat = "`<` $buffer (`,` `offset` `=` $offset^)? `>`";
}

def MLA_Extent : MLA_Attr<"Extent", "extent"> {
  let summary = "an argument: a 32-bit integer computed from a step's sizes";
  let description = [{
    The sizes are `tokens`, `batch`, `max_queries`, `max_length`, `cached`,
    `pages`, `table_width` and `processors`; for an attention-only entry also
    `q_stride` and `q_rope_stride`. `limit0`, … are the limits of the launch list's choices. Operators are those of
    affine expressions.

    ```mlir
    module attributes {test.tiles = #mla.extent<tokens ceildiv 64>} {}
    ```
  }];
  let parameters = (ins "::mlir::AffineMap":$map);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    ::mlir::AffineExpr getExpression() const { return getMap().getResult(0); }
  }];
}

def MLA_Choice : MLA_Attr<"Choice", "choice"> {
  let summary = "the limits of a kernel's classes of launches, which a bundle may replace";
  let description = [{
    A kernel's launches may be of several classes. A class is for steps whose
    `size` is up to its limit that no class before it is for; the last class has
    no limit. Expressions of the launch list name its limits, `limit0` for the
    first of the first choice. Launches are correct for any size up to the most
    of their class: other limits change times only.

    ```mlir
    module attributes {
      test.choice = #mla.choice<"q", size = tokens, limits = (16, 64), most = (1048576, 1048576)>
    } {}
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$kernel, "::mlir::AffineMap":$size, ArrayRefParameter<"int64_t">:$limits,
                        ArrayRefParameter<"int64_t">:$most);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}
def MLA_ChoiceArray : TypedArrayAttrBase<MLA_Choice, "choices">;

def MLA_Binding : MLA_Attr<"Binding", "binding"> {
  let summary = "a buffer passed by the caller, and its type";
  let description = [{
    Binds a launch list to a buffer at every step. The buffers of entries and of
    cores, their element types and their extents are rows of mla/launch_abi.def.
    `?` is an extent known only to the step; the row says which one. Elements may
    be of any type in the table.

    ```mlir
    module attributes {test.pages = #mla.binding<"pages", tensor<?x64x576xbf16>>} {}
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$buffer, "::mlir::RankedTensorType":$type);
  let assemblyFormat = "`<` $buffer `,` $type `>`";
  let genVerifyDecl = 1;
}
def MLA_BindingArray : TypedArrayAttrBase<MLA_Binding, "bindings">;

#endif // MLA_KERNELATTRS_TD
