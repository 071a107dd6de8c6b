//===- Page.h - The stylesheet of the report's page -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_PAGE_H
#define MLA_LIB_REPORT_PAGE_H

#include "llvm/ADT/StringRef.h"

namespace mla::report {

/// The line of the plan lies on another's, and is dots.
inline constexpr llvm::StringLiteral kStyle = R"css(
:root {
  --back: #ffffff; --text: #1c2430; --soft: #5b6675; --rule: #d5dae1; --head: #f2f4f7;
  --c0: #2f6db5; --c1: #d97706; --c2: #4d9a5b; --c3: #8b5fb0; --c4: #8fa6bf; --c5: #b9bec6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14181e; --text: #e4e8ee; --soft: #9aa5b4; --rule: #343c48; --head: #1e242d;
    --c0: #5b9be6; --c1: #f0a13a; --c2: #6cc07d; --c3: #b58bdb; --c4: #62778f; --c5: #4a5260;
  }
}
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.7em; line-height: 1.25; }
h1 ~ h1 { margin-top: 2.5em; }
h2 { margin: 2em 0 .3em; padding-top: .7em; border-top: 1px solid var(--rule); }
h3 { margin: 1.6em 0 .5em; font-size: 1.05em; }
p { margin: .4em 0; color: var(--soft); }
.lead { color: var(--text); }
.note { padding: .4em .8em; border-left: 3px solid var(--c1); background: var(--head); color: var(--text); }
.wide { overflow-x: auto; margin: .8em 0; }
table { border-collapse: collapse; font-size: .87em; font-variant-numeric: tabular-nums; }
th, td { padding: .3em .7em; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th[scope=row] { min-width: 17em; text-align: left; font-weight: normal; }
thead th, thead th[scope=row] { background: var(--head); font-weight: 600; }
.chart { display: block; width: 100%; min-width: 600px; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: var(--text); font-variant-numeric: tabular-nums; }
svg .label { fill: var(--soft); }
svg .grid { stroke: var(--rule); }
svg .line { fill: none; stroke-width: 2; }
.s0 { fill: var(--c0); } .s1 { fill: var(--c1); } .s2 { fill: var(--c2); }
.s3 { fill: var(--c3); } .s4 { fill: var(--c4); } .s5 { fill: var(--c5); }
.l0 { stroke: var(--c3); } .l1 { stroke: var(--c1); } .l2 { stroke: var(--c0); } .l3 { stroke: var(--c2); }
.l4 { stroke: var(--text); stroke-dasharray: 2 6; }
.legend { display: flex; flex-wrap: wrap; gap: .3em 1.4em; margin: .5em 0; padding: 0; font-size: .87em; }
.legend { list-style: none; }
.legend li { display: flex; align-items: center; }
.legend .swatch { width: 24px; height: 12px; margin-right: .4em; }
)css";

} // namespace mla::report

#endif // MLA_LIB_REPORT_PAGE_H
