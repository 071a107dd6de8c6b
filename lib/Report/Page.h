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

/// Lines have different dash patterns, so that lines below them are visible. A chart is as wide as its container, whose
/// width determines the size of its texts.
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
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.7em; line-height: 1.25; }
h1 ~ h1 { margin-top: 2.5em; }
h2 { margin: 2em 0 .3em; padding-top: .7em; border-top: 1px solid var(--rule); }
h3 { margin: 1.6em 0 .5em; font-size: 1.05em; }
p { margin: .4em 0; color: var(--soft); overflow-wrap: anywhere; }
.lead { color: var(--text); }
.note { padding: .4em .8em; border-left: 3px solid var(--c1); background: var(--head); color: var(--text); }
.wide { overflow-x: auto; margin: .8em 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 0 2.5em; }
.figures > div { min-width: 0; max-width: 560px; }
.figures p { font-size: .87em; }
table { border-collapse: collapse; font-size: .87em; font-variant-numeric: tabular-nums; }
th, td { padding: .3em .6em; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th:first-child { min-width: 13em; text-align: left; }
th[scope=row] { font-weight: normal; }
thead th { background: var(--head); font-weight: 600; white-space: normal; vertical-align: bottom; }
thead th[title] { text-decoration: underline dotted; cursor: help; }
dl { display: grid; grid-template-columns: minmax(9em, max-content) 1fr; gap: .4em 1.5em; }
dt { font-weight: 600; }
dd { margin: 0; color: var(--soft); }
.chart { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--text); font-variant-numeric: tabular-nums; }
svg .label { fill: var(--soft); }
svg .value { font-weight: 600; }
svg .axis { fill: var(--soft); font-style: italic; }
svg .grid { stroke: var(--rule); }
svg .chosen { stroke: var(--soft); stroke-dasharray: 1 3; }
svg .line { fill: none; stroke-width: 2; }
svg .faint { opacity: .35; }
svg .roof { stroke: var(--soft); }
svg .cross, .swatch .m3 { stroke: var(--soft); }
svg .frame { fill: none; stroke: var(--text); stroke-width: 2; }
svg .ring, svg .shape { fill: none; stroke: var(--text); stroke-width: 1.5; }
.s0 { fill: var(--c0); } .s1 { fill: var(--c1); } .s2 { fill: var(--c2); }
.s3 { fill: var(--c3); } .s4 { fill: var(--c4); } .s5 { fill: var(--c5); }
.l0 { stroke: var(--c3); } .l1 { stroke: var(--c1); stroke-dasharray: 9 4; } .l2 { stroke: var(--c0); }
.l3 { stroke: var(--c2); stroke-dasharray: 5 3; } .l4 { stroke: var(--text); stroke-dasharray: 2 6; }
.p0 { fill: var(--c3); } .p1 { fill: var(--c1); } .p2 { fill: var(--c0); } .p3 { fill: var(--c2); }
svg .p4 { fill: none; stroke: var(--text); }
.m0 { fill: var(--c2); } .m1 { fill: var(--c2); opacity: .7; } .m2 { fill: var(--c2); opacity: .45; }
.m3 { fill: var(--head); stroke: var(--rule); } .m4 { fill: var(--c1); } .m5 { fill: var(--c0); } .m6 { fill: var(--c2); }
.m7 { fill: var(--c3); }
.legend { display: flex; flex-wrap: wrap; gap: .3em 1.4em; margin: .5em 0; padding: 0; font-size: .87em; }
.legend { list-style: none; }
.legend li { display: flex; align-items: center; }
.legend .swatch { flex: none; width: 24px; height: 12px; margin-right: .4em; }
@media (max-width: 600px) {
  main { padding: 12px 12px 48px; }
  h1 { font-size: 1.35em; }
  th:first-child { min-width: 8em; white-space: normal; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5em; }
}
)css";

} // namespace mla::report

#endif // MLA_LIB_REPORT_PAGE_H
