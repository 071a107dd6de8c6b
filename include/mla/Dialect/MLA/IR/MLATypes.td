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

def MLA_CacheFormatParameter : EnumParameter<MLA_CacheFormat> {
  let defaultValue = "::mla::CacheFormat::Standard";
}

def MLA_Cache : MLA_Type<"Cache", "cache"> {
  let summary = "paged latent cache of one layer, as the sequences of a step see it";
  let description = [{
    A value of this type stands for three tensors:

    | | shape | element | |
    |---|---|---|---|
    | pages | `[pages, page, row]` | see below | one row per token: the normalised latent, the rotated `k_rope` |
    | block table | `[B, max pages]` | i32 | page numbers of a sequence, in order |
    | lengths | `[B]` | i32 | cached tokens of a sequence, including this step's |

    `elementType` is the type of the rows that operations append and read. The
    format says how a row is stored (mla/cache_format.h has the offsets):

    | format | row | |
    |---|---|---|
    | `standard` | L + R of `elementType` | |
    | `fp8_row` | bytes, i8 | the latent in e4m3, an f32 scale per 128 columns, `k_rope` in bf16; 656 bytes if L is 512 and R 64 |
    | `fp8_tensor` | bytes, i8 | latent and `k_rope` in e4m3; 576 bytes likewise |

    In `fp8_row` the scale of a group is its largest magnitude over 448, the
    largest number of e4m3, and an element is stored as e4m3(x / scale), rounded
    to nearest even. `fp8_tensor` stores e4m3(x); what exceeds 448 saturates.

    With `part r of M`, of the pages of a sequence, in order, this cache has those
    whose index is r modulo M, and other ranks have the others. The block table
    still has an entry for every page. Entries of pages that are elsewhere may hold
    anything. Operations on such a cache append only tokens of its own pages and
    attend only to those; `mla.gather` returns zeros for all others.

    R is 0 in a model without rotary part; `k_rope` and `q_rope` are then empty.
    `page`, L and R are at most 2^20. Rows beyond a sequence's length, and table
    entries beyond its pages, may hold anything and never reach a result.

    ```mlir
    func.func private @step(!mla.cache<page = 64, latent = 512, rope = 64, bf16>)
    func.func private @packed(!mla.cache<page = 64, latent = 512, rope = 64, bf16, fp8_row>)
    func.func private @divided(!mla.cache<page = 64, latent = 512, rope = 64, bf16 part 1 of 4>)
    ```
  }];
  let parameters = (ins
    "int64_t":$page, "int64_t":$latent, "int64_t":$rope,
    "::mlir::Type":$elementType,
    MLA_CacheFormatParameter:$format,
    DefaultValuedParameter<"int64_t", "0">:$part, DefaultValuedParameter<"int64_t", "1">:$parts
  );
  let assemblyFormat = [{
    `<` `page` `=` $page `,` `latent` `=` $latent `,` `rope` `=` $rope `,`
        $elementType (`,` $format^)? `` custom<CachePart>($part, $parts) `>`
  }];
  let builders = [
    TypeBuilder<(ins "int64_t":$page, "int64_t":$latent, "int64_t":$rope, "::mlir::Type":$elementType,
                     "::mla::CacheFormat":$format), [{
      return $_get($_ctxt, page, latent, rope, elementType, format, 0, 1);
    }]>
  ];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Return the three tensor types that a value of this type stands for.
    ::mlir::RankedTensorType getPagesType() const;
    ::mlir::RankedTensorType getBlockTableType() const;
    ::mlir::RankedTensorType getLengthsType() const;
    /// Return the columns of a row: those of the latent and of k_rope.
    int64_t getRowWidth() const { return getLatent() + getRope(); }
    /// Return whether other ranks have some of the pages.
    bool isDivided() const { return getParts() > 1; }
    /// Return the same cache with part `part` of `parts` of the pages.
    CacheType clonePart(int64_t part, int64_t parts) const {
      return get(getContext(), getPage(), getLatent(), getRope(), getElementType(), getFormat(), part, parts);
    }
    bool isPacked() const { return getFormat() != CacheFormat::Standard; }
    /// Returns the layout of a packed row.
    schema::PackedRow getPackedRow() const;
  }];
}

#endif // MLA_TYPES_TD
