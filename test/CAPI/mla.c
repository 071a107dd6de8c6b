/* The C API of the dialect: types, attributes, errors, passes.
 *
 * RUN: mla-capi-test | FileCheck %s
 */
#include "mla-c/Dialects.h"
#include "mla-c/Passes.h"
#include "mlir-c/BuiltinAttributes.h"
#include "mlir-c/BuiltinTypes.h"
#include "mlir-c/Diagnostics.h"
#include "mlir-c/Pass.h"
#include "mlir-c/RegisterEverything.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "mla.c:%d: failed: %s\n", __LINE__, #condition);                                                 \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

static MlirStringRef text(const char *string) { return mlirStringRefCreateFromCString(string); }

static void print(MlirStringRef string, void *file) { fwrite(string.data, 1, string.length, file); }

static MlirLogicalResult print_diagnostic(MlirDiagnostic diagnostic, void *file) {
  fputs("diagnostic: ", file);
  mlirDiagnosticPrint(diagnostic, print, file);
  fputs("\n", file);
  return mlirLogicalResultSuccess();
}

static MlirType parse_type(MlirContext context, const char *string) { return mlirTypeParseGet(context, text(string)); }

static MlirAttribute parse_attribute(MlirContext context, const char *string) {
  return mlirAttributeParseGet(context, text(string));
}

static void test_cache(MlirContext context) {
  MlirLocation location = mlirLocationUnknownGet(context);
  MlirType element = mlirBF16TypeGet(context);
  MlirType cache = mlaCacheTypeGetChecked(location, 16, 512, 64, element);
  // CHECK: !mla.cache<page = 16, latent = 512, rope = 64, bf16>
  mlirTypePrint(cache, print, stdout);
  puts("");
  CHECK(mlirTypeEqual(cache, parse_type(context, "!mla.cache<page = 16, latent = 512, rope = 64, bf16>")));
  CHECK(mlaTypeIsACache(cache) && !mlaTypeIsACache(element));
  CHECK(mlirTypeIDEqual(mlirTypeGetTypeID(cache), mlaCacheTypeGetTypeID()));
  CHECK(mlaCacheTypeGetPage(cache) == 16);
  CHECK(mlaCacheTypeGetLatent(cache) == 512);
  CHECK(mlaCacheTypeGetRope(cache) == 64);
  CHECK(mlirTypeEqual(mlaCacheTypeGetElementType(cache), element));
  CHECK(mlirTypeEqual(mlaCacheTypeGetPagesType(cache), parse_type(context, "tensor<?x16x576xbf16>")));
  CHECK(mlirTypeEqual(mlaCacheTypeGetBlockTableType(cache), parse_type(context, "tensor<?x?xi32>")));
  CHECK(mlirTypeEqual(mlaCacheTypeGetLengthsType(cache), parse_type(context, "tensor<?xi32>")));

  // CHECK: diagnostic: page and latent must be positive, and rope not negative
  CHECK(mlirTypeIsNull(mlaCacheTypeGetChecked(location, 0, 512, 64, element)));
  // CHECK: diagnostic: element type must be a float type, got 'i32'
  CHECK(mlirTypeIsNull(mlaCacheTypeGetChecked(location, 16, 512, 64, mlirIntegerTypeGet(context, 32))));
}

static const MlaRange all = {0, MLA_UNBOUNDED}, few = {0, 127}, many = {128, MLA_UNBOUNDED};

static void test_regime(MlirContext context) {
  const MlaRange contexts = {16, 2047}, empty = {5, 4};
  MlirLocation location = mlirLocationUnknownGet(context);
  MlirAttribute regime = mlaRegimeAttrGetChecked(location, MlaPhasePrefill, few, contexts, MlaFormNaive, MlaFormFold);
  // CHECK: #mla.regime<{phase = prefill, tokens = 0 to 127, context = 16 to 2047, q = naive, o = fold}>
  mlirAttributePrint(regime, print, stdout);
  puts("");
  CHECK(mlaAttributeIsARegime(regime) && !mlaAttributeIsAPlan(regime));
  CHECK(mlirTypeIDEqual(mlirAttributeGetTypeID(regime), mlaRegimeAttrGetTypeID()));
  CHECK(mlaRegimeAttrGetPhase(regime) == MlaPhasePrefill);
  CHECK(mlaRegimeAttrGetTokens(regime).first == 0 && mlaRegimeAttrGetTokens(regime).last == 127);
  CHECK(mlaRegimeAttrGetContexts(regime).first == 16 && mlaRegimeAttrGetContexts(regime).last == 2047);
  CHECK(mlaRegimeAttrGetQ(regime) == MlaFormNaive);
  CHECK(mlaRegimeAttrGetO(regime) == MlaFormFold);

  // CHECK: diagnostic: context must be a range of numbers, got 5 to 4
  CHECK(mlirAttributeIsNull(mlaRegimeAttrGetChecked(location, MlaPhaseDecode, all, empty, MlaFormFold, MlaFormFold)));
  // CHECK: diagnostic: invalid phase or form: phase 1, q 7, o 2
  CHECK(mlirAttributeIsNull(mlaRegimeAttrGetChecked(location, MlaPhaseDecode, all, all, (MlaForm)7, MlaFormFold)));
}

static void test_plan(MlirContext context) {
  MlirLocation location = mlirLocationUnknownGet(context);
  MlirAttribute regimes[] = {
      mlaRegimeAttrGetChecked(location, MlaPhaseDecode, all, all, MlaFormAbsorb, MlaFormFold),
      mlaRegimeAttrGetChecked(location, MlaPhasePrefill, few, all, MlaFormNaive, MlaFormNaive),
      mlaRegimeAttrGetChecked(location, MlaPhasePrefill, many, all, MlaFormAbsorb, MlaFormAbsorb)};
  MlirAttribute plan = mlaPlanAttrGetChecked(location, 3, regimes, text("so"));
  // CHECK: #mla.plan<[{phase = decode, q = absorb, o = fold},
  // CHECK-SAME: {phase = prefill, tokens = 0 to 127, q = naive, o = naive},
  // CHECK-SAME: {phase = prefill, tokens = 128, q = absorb, o = absorb}], why = "so">
  mlirAttributePrint(plan, print, stdout);
  puts("");
  CHECK(mlaAttributeIsAPlan(plan) && !mlaAttributeIsARegime(plan));
  CHECK(mlirTypeIDEqual(mlirAttributeGetTypeID(plan), mlaPlanAttrGetTypeID()));
  CHECK(mlaPlanAttrGetNumRegimes(plan) == 3);
  for (intptr_t i = 0; i < 3; ++i)
    CHECK(mlirAttributeEqual(mlaPlanAttrGetRegime(plan, i), regimes[i]));
  MlirStringRef why = mlaPlanAttrGetWhy(plan);
  CHECK(why.length == 2 && memcmp(why.data, "so", 2) == 0);
  CHECK(mlirAttributeEqual(plan, parse_attribute(context, "#mla.plan<[{phase = decode, q = absorb, o = fold}, "
                                                          "{phase = prefill, tokens = 0 to 127, q = naive, o = naive}, "
                                                          "{phase = prefill, tokens = 128, q = absorb, o = absorb}], "
                                                          "why = \"so\">")));

  // CHECK: diagnostic: the last regime of prefill must be unbounded in tokens
  CHECK(mlirAttributeIsNull(mlaPlanAttrGetChecked(location, 2, regimes, text(""))));
  // CHECK: diagnostic: expected regime 1 of a plan to be a #mla.regime
  MlirAttribute wrong[] = {regimes[0], mlirUnitAttrGet(context)};
  CHECK(mlirAttributeIsNull(mlaPlanAttrGetChecked(location, 2, wrong, text(""))));
}

static bool run(MlirContext context, MlirModule module, const char *pipeline) {
  MlirPassManager passes = mlirPassManagerCreate(context);
  MlirOpPassManager pipeline_of = mlirPassManagerGetAsOpPassManager(passes);
  bool done = mlirLogicalResultIsSuccess(mlirOpPassManagerAddPipeline(pipeline_of, text(pipeline), print, stdout)) &&
              mlirLogicalResultIsSuccess(mlirPassManagerRunOnOp(passes, mlirModuleGetOperation(module)));
  mlirPassManagerDestroy(passes);
  return done;
}

static void test_passes(MlirContext context) {
  MlirModule module = mlirModuleCreateParse(context, text("func.func @weight() -> tensor<2x4xf32> {\n"
                                                          "  %w = mla.weight \"w\" : tensor<2x4xf32>\n"
                                                          "  return %w : tensor<2x4xf32>\n"
                                                          "}"));
  CHECK(!mlirModuleIsNull(module));
  // CHECK: 'mla-none' does not refer to a registered pass or pass pipeline
  CHECK(!run(context, module, "mla-none"));
  mlaRegisterPasses();
  mlaRegisterPasses();
  CHECK(run(context, module, "mla-plan{plan=absorb},mla-absorb,mla-bind-weights,mla-to-cpu"));
  // CHECK: mla.plan = #mla.plan<
  // CHECK: llvm.func @weight
  mlirOperationPrint(mlirModuleGetOperation(module), print, stdout);
  mlirModuleDestroy(module);
}

int main(void) {
  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  mlirRegisterAllDialects(registry);
  mlaRegisterAllDialects(registry);
  MlirContext context = mlirContextCreateWithRegistry(registry, /*threadingEnabled=*/false);
  mlirDialectRegistryDestroy(registry);
  MlirDialectHandle handle = mlirGetDialectHandle__mla__();
  CHECK(mlirStringRefEqual(mlirDialectHandleGetNamespace(handle), text("mla")));
  mlirContextAttachDiagnosticHandler(context, print_diagnostic, stdout, NULL);
  test_cache(context);
  test_regime(context);
  test_plan(context);
  test_passes(context);
  CHECK(!mlirDialectIsNull(mlirDialectHandleLoadDialect(handle, context)));
  mlirContextDestroy(context);
  puts("done");
  // CHECK: done
  return 0;
}
