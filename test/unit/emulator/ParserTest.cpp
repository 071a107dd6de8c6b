//===- ParserTest.cpp - Text that is no PTX -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"
#include <random>

using namespace mla::emulator;

static void expectError(const std::string &text, const std::string &part) {
  std::string error = loadError(text);
  EXPECT_NE(error.find(part), error.npos) << error << "\nexpected '" << part << "'";
}

static void expectBodyError(const std::string &body, const std::string &part) {
  SCOPED_TRACE(body);
  expectError(moduleOf(body), part);
}

static const char *const richBody = R"(
  .shared .align 16 .b8 tile[64];
  /* a comment
     of two lines */
  .loc 1 12 3
  mov.u32 %r1, tile;
  setp.lt.u32 %p1, %t, 16;
  @!%p1 bra SKIP;
  mad.lo.s32 %r2, %r1, 0x10, -3;
  ld.global.v4.b32 {%r3, %r4, _, %r5}, [%in+16];
  TABLE: .branchtargets SKIP, END;
  brx.idx %r2, TABLE;
SKIP:
  {
    .reg .f32 %q;
    add.f32 %q, 0f3F800000, %f1;
    shfl.sync.bfly.b32 %r6|%p2, %r3, 1, 31, -1;
  }
END:
  st.shared.v2.b32 [%r1+8], {%r3, %r4};
  wgmma.wait_group.sync.aligned 0;)";

TEST(EmulatorParser, TruncatedTextIsAnError) {
  std::string text = moduleOf(richBody);
  ASSERT_EQ(LoadedModule(text).error, "");
  size_t end = text.rfind('}');
  for (size_t length = 0; length < end; ++length) {
    LoadedModule module(text.substr(0, length));
    bool isHeader = module.error.empty() && module.module.kernels.empty();
    EXPECT_TRUE(!module.error.empty() || isHeader) << "loads: " << text.substr(0, length);
  }
}

TEST(EmulatorParser, MutationsNeverCrash) {
  const std::string text = moduleOf(richBody);
  const std::string characters = "{}[]<>()@!%;:,.|-+0123456789_rdfpLxU\"/* \nabz=";
  std::mt19937 random(7);
  unsigned loaded = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string mutant = text;
    for (unsigned changes = 1 + random() % 3; changes; --changes) {
      size_t at = random() % mutant.size(), length = random() % 12, from = random() % mutant.size();
      switch (random() % 4) {
      case 0:
        mutant[at] = characters[random() % characters.size()];
        break;
      case 1:
        mutant.erase(at, length);
        break;
      case 2:
        mutant.insert(at, 1, characters[random() % characters.size()]);
        break;
      default:
        mutant.insert(at, mutant.substr(from, 2 * length));
      }
    }
    loaded += LoadedModule(mutant).error.empty();
  }
  EXPECT_GT(loaded, 0u);
  EXPECT_LT(loaded, 5000u);
}

TEST(EmulatorParser, DeepNestingIsNoRecursion) {
  std::string deep(50000, '{');
  expectError(moduleOf(deep), "has no end");
  expectBodyError("mov.b32 " + deep, "expected a name, got '{'");
  std::string scopes(10000, '{'), ends(10000, '}');
  EXPECT_EQ(LoadedModule(moduleOf("bra END;" + scopes + "bra END;" + ends + "END:")).error, "");
  std::string memory;
  for (int i = 0; i < 100000; ++i)
    memory += "[%d1, {";
  expectBodyError("mov.b32 " + memory, "expected a name, got '['");
}

TEST(EmulatorParser, HugeCountsAreRefused) {
  expectBodyError(".reg .b32 %q<99999999>;", "more than 2^20 registers");
  expectBodyError(".reg .b32 %q<18446744073709551615>;", "more than 2^20 registers");
  expectBodyError(".reg .b32 %q<99999999999999999999999>;", "expected a number");
  expectBodyError(".reg .b32 %q<600000>; .reg .b32 %s<600000>;", "more than 2^20 registers");
  expectBodyError(".shared .b64 big[4294967296];", "more than 2^28 bytes");
  expectBodyError(".shared .b8 big[60000];", "static shared memory");
  expectBodyError(".shared .align 3 .b8 odd[4];", "power of two");
  expectBodyError(".shared .align 18446744073709551615 .b8 odd[4];", "power of two");
  expectError(".version 8.3\n.target sm_90a\n.visible .entry k(.param .b8 x[32768]) {\n  ret;\n}\n",
              "bytes of parameters");
}

TEST(EmulatorParser, NamesAreDefinedOnce) {
  expectBodyError("L:\nL:\n", "label 'L' is defined twice");
  expectBodyError(".reg .b32 %r1;", "register '%r1' is declared twice");
  std::string kernel = ".visible .entry k() {\n  ret;\n}\n";
  expectError(".version 8.3\n.target sm_90a\n" + kernel + kernel, "two kernels named 'k'");
}

TEST(EmulatorParser, LabelsMustExist) {
  expectBodyError("bra NOWHERE;", "no label 'NOWHERE', to which line 20 branches");
  expectBodyError("T: .branchtargets NOWHERE;\nbrx.idx %r1, T;", "no label 'NOWHERE' of a branch table");
  expectBodyError("{\nINNER:\n}\nbra INNER;", "no label 'INNER'");
}

TEST(EmulatorParser, BranchesTakeLabelsAndTablesNotNumbers) {
  expectBodyError("bra 99999;", "expected a label");
  expectBodyError("bra [%d1];", "expected a label");
  expectBodyError("L:\nbrx.idx %r1, L;", "no branch table 'L'");
  expectBodyError("brx.idx %r1, 7;", "expected a branch table");
  expectBodyError("L:\nT: .branchtargets L;\nbra T;", "no label 'T'");
}

TEST(EmulatorParser, KernelsHaveAnEnd) {
  std::string start = ".version 8.3\n.target sm_90a\n.visible .entry k() {\n  .reg .pred %p<2>;\n";
  expectError(start + "}\n", "does not end with ret");
  expectError(start + "  mov.pred %p1, 1;\n  @%p1 ret;\n}\n", "does not end with ret");
  expectError(start + "  mov.pred %p1, 1;\n  @%p1 bra END;\n  ret;\nEND:\n}\n",
              "line 6: bra: branches behind the last instruction");
  expectError(start + "  T: .branchtargets END;\n  brx.idx 0, T;\n  ret;\nEND:\n}\n", "branches behind");
}

TEST(EmulatorParser, UnknownDirectivesAreErrors) {
  expectError("", "no .version");
  expectError(".version 8.3\n.target sm_90a\n.bogus x;\n", "line 3: unknown directive '.bogus'");
  expectBodyError(".bogus 3;", "line 20: unknown directive '.bogus'");
  expectError(".version 8.3\n.target sm_90a\n.visible .entry k() .bogus 3 {\n  ret;\n}\n", "'.bogus'");
  expectError(".version 8.3\n.address_size 32\n", "expected .address_size 64");
}

TEST(EmulatorParser, UnknownInstructionNamesItsLine) {
  expectBodyError("\n  frobnicate.b32 %r1, %r2;", "line 21: frobnicate.b32: this instruction is not emulated");
  expectBodyError("ld.global.bogus.b32 %r1, [%d1];", "line 20: ld.global.bogus.b32: ");
  expectBodyError("ld.local.b32 %r1, [%d1];", "only the spaces global, shared and param");
  expectBodyError("mov.u32 %r1, %clock;", "the special register '%clock' is not emulated");
  expectBodyError("mov.u32 %r1, nowhere;", "unknown symbol 'nowhere'");
  expectBodyError("add.s32 %r1, %r2, %nowhere;", "not emulated");
}

/// Each of these accessed a table of the emulator out of bounds, or gave a wrong value.
TEST(EmulatorParser, OperandsMustFit) {
  expectBodyError("mov.b32 _, %r1;", "expected a register");
  expectBodyError("mov.b64 _, %d1;", "expected a register");
  expectBodyError("ld.param.b64 _, [out];", "expected a register");
  expectBodyError("cvta.to.global.u64 _, %d1;", "expected a register");
  expectBodyError("shfl.sync.idx.b32 _, %r1, 0, 31, -1;", "expected a register");
  expectBodyError("elect.sync %r1|_, -1;", "expected a register");
  expectBodyError("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {_}, [%r1];", "expected a register");
  expectBodyError("mbarrier.try_wait.parity.shared.b64 _, [%r1], 0;", "expected a register");
  expectBodyError("add.s32 _, %r1, %r2;", "expected a register");
  expectBodyError("add.s64 %d1, %tid.x, 1;", "'%tid.x' has 32 bits");
  expectBodyError("and.pred %p1, %tid.x, %p2;", "'%tid.x' has 32 bits");
  expectBodyError("and.pred %p1, dynamic, %p2;", "'dynamic' is an address");
  expectBodyError("add.s32 %r1, %d1, 1;", "wrong width");
  expectBodyError("add.s32 %r1, {%r2, %r3}, 1;", "expected a register or a constant");
  expectBodyError("add.s32 %r1, %r2;", "expected 3 operands, got 2");
  expectBodyError("ld.param.b64 %d1, [out+8];", "reads outside of the parameter's 8 bytes");
  expectBodyError("ld.param.b64 %d1, [out+-8];", "reads outside of the parameter's 8 bytes");
  expectBodyError("ld.param.b64 %d1, [out+1000000000000];", "reads outside of the parameter's 8 bytes");
  expectBodyError("selp.b32 %r1, %r2, %r3, !%p1;", "negated");
  expectBodyError("add.s32 %r1, %r2, !dynamic;", "negated");
  expectBodyError("wgmma.wait_group.sync.aligned -1;", "expected 0 to 7 groups");
  expectBodyError("cp.async.wait_group -1;", "not negative");
  std::string product = "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%f1, %f2, %f3, %f4}, ";
  expectBodyError(product + "%d1, %d2, %p1, 1, 1, 0;", "expected 8 operands, got 7");
  expectBodyError(product + "{%r1, %r2, %r3, %r4}, %d2, %p1, 1, 1, 0, 0;", "expected 7 operands, got 8");
  expectBodyError(product + "{%r1, 1, %r3, %r4}, %d2, %p1, 1, 1, 0;", "expected registers of A");
}

TEST(EmulatorParser, CommentsMayEndTheText) {
  EXPECT_EQ(LoadedModule(moduleOf("/*/ mov.b32 bogus; */")).error, "");
  for (const char *comment : {"// a", "//", "/* a", "/*", "/*/", "/**/", "/* **/"})
    EXPECT_EQ(LoadedModule(moduleOf("") + comment).error, "") << comment;
}
