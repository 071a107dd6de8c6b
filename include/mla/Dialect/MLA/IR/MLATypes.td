//===- MLATypes.td - The paged latent cache ----------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TYPES_TD
#define MLA_TYPES_TD

include "mla/Dialect/MLA/IR/MLADialect.td"
include "mlir/IR/AttrTypeBase.td"

class MLA_Type<string name, string mnemonicText> : TypeDef<MLA_Dialect, name> {
  let mnemonic = mnemonicText;
}

def MLA_Cache : MLA_Type<"Cache", "cache"> {
  let summary = "paged latent cache of one layer, as the sequences of a step see it";
  let description = [{
    A value of this type stands for three tensors:

    | | shape | element | |
    |---|---|---|---|
    | pages | `[pages, page, L + R]` | `elementType` | one row per token: the normalised latent, the rotated `k_rope` |
    | block table | `[B, max pages]` | i32 | page numbers of a sequence, in order |
    | lengths | `[B]` | i32 | cached tokens of a sequence, including this step's |

    R is 0 in a model without rotary part; `k_rope` and `q_rope` are then empty.
    `page`, L and R are at most 2^20. Rows beyond a sequence's length, and table
    entries beyond its pages, may hold anything and never reach a result.

    ```mlir
    func.func private @step(!mla.cache<page = 64, latent = 512, rope = 64, bf16>)
    ```
  }];
  let parameters = (ins
    "int64_t":$page, "int64_t":$latent, "int64_t":$rope,
    "::mlir::Type":$elementType
  );
  let assemblyFormat = [{
    `<` `page` `=` $page `,` `latent` `=` $latent `,` `rope` `=` $rope `,`
        $elementType `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Return the three tensor types that a value of this type stands for.
    ::mlir::RankedTensorType getPagesType() const;
    ::mlir::RankedTensorType getBlockTableType() const;
    ::mlir::RankedTensorType getLengthsType() const;
    int64_t getRowWidth() const { return getLatent() + getRope(); }
  }];
}

#endif // MLA_TYPES_TD
