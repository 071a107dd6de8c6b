//===- KernelKindTest.cpp - A kind of kernel from outside -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Adds a kind for mla.bias, for which the project has no kernel, without a
// change to any of its files, and runs an operation of that kind on the emulated
// device. docs/contributing.md explains the steps.
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/KernelKind.h"
#include "Cuda.h"
#include "mla/Conversion/MLAToGPU/KernelBuilder.h"
#include "mla/Conversion/MLAToGPU/Targets.h"
#include "mla/Conversion/MLAToGPU/Views.h"
#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Target/PTX.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <cstdlib>

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// The kind
//===----------------------------------------------------------------------===//

namespace {
/// y[t, j] = x[t, j] + b[j], all f32: one CTA per token.
class BiasKind : public KernelKind {
public:
  BiasKind() : KernelKind("add_bias", BiasOp::getOperationName()) {}
  bool stores(Type element, unsigned) const override { return element.isF32(); }
  ArrayRef<ScheduleKey> getScheduleKeys() const override {
    static constexpr ScheduleKey keys[] = {{"threads", 32, 1024}};
    return keys;
  }
  Choices chooseSchedule(KernelOp, const Purpose &, const TargetInfo &) const override { return {{"threads", 64}}; }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

static void emitAddBias(mlir::gpu::GPUModuleOp module, int64_t threads, int64_t width) {
  KernelBuilder k(module, "add_bias", threads, /*oneBlock=*/false);
  unsigned x = k.addPointer(), bias = k.addPointer(), y = k.addPointer();
  k.begin();
  Val row = k.extend(k.blockX()) * (4 * width);
  k.loop(k.thread(), k.i32(width), k.i32(threads), {}, [&](Val j, ArrayRef<Val>) -> Vals {
    Val offset = k.extend(j) * 4;
    Val sum = k.load(k.at(k.at(k.argument(x), row), offset), k.f32Type()) +
              k.load(k.at(k.argument(bias), offset), k.f32Type());
    k.store(sum, k.at(k.at(k.argument(y), row), offset));
    return {};
  });
  k.finish();
}

FailureOr<Launches> BiasKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  BiasOp op = *kernel.getBody().getOps<BiasOp>().begin();
  FailureOr<View> x = viewOf(op.getX(), Elements::Float);
  FailureOr<Buffer> bias = operandOf(op.getBias());
  if (failed(x) || failed(bias))
    return failure();
  int64_t threads = kernel.getSchedule()->get("threads");
  emitAddBias(module, threads, x->shape.back());
  Launch launch;
  launch.kernel = "add_bias";
  launch.grid[0] = x->rows;
  launch.grid[1] = launch.grid[2] = getAffineConstantExpr(1, kernel.getContext());
  launch.threads = threads;
  launch.overlap = false; // it does not wait for its predecessors
  launch.arguments = {x->buffer, *bias, Buffer{Buffer::Result, 0}};
  return Launches{{launch}, {}};
}

//===----------------------------------------------------------------------===//
// From the operation to its result
//===----------------------------------------------------------------------===//

static constexpr const char *affineText = R"mlir(
  func.func @affine(%x: tensor<?x48xf32>) -> tensor<?x48xf32>
      attributes {mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>} {
    %b = mla.weight "b" : tensor<48xf32>
    %y = mla.bias %x, %b : tensor<?x48xf32>, tensor<48xf32>
    return %y : tensor<?x48xf32>
  }
)mlir";

namespace {
class KernelKindTest : public testing::Test {
protected:
  explicit KernelKindTest(bool registers = true) : context(registryOf(registers)) {
    context.loadAllAvailableDialects();
  }

  static DialectRegistry registryOf(bool registers) {
    DialectRegistry registry;
    registry.insert<MLADialect, func::FuncDialect>();
    registerGPUTargets(registry);
    if (registers)
      registry.addExtension(+[](MLIRContext *, MLADialect *dialect) {
        dialect->findTarget("sm_90a")->add(std::make_unique<BiasKind>());
      });
    return registry;
  }

  LogicalResult lower(ModuleOp module) {
    PassManager pm(&context);
    pm.addPass(createMLAGroupKernels());
    pm.addPass(createMLAScheduleKernels());
    pm.addPass(createConvertMLAToGPU());
    buildNVVMPipeline(pm);
    return pm.run(module);
  }

  MLIRContext context;
};

class WithoutKindTest : public KernelKindTest {
protected:
  WithoutKindTest() : KernelKindTest(false) {}
};
} // namespace

/// Computes out = x + b of two tokens with the module's PTX.
static std::vector<float> run(const std::string &ptx, const std::vector<float> &x, const std::vector<float> &bias) {
  setenv("MLA_LIBCUDA", MLA_TEST_EMULATED_CUDA, 1);
  Result<const cuda::Driver *> loaded = cuda::driver("test");
  EXPECT_TRUE(loaded);
  const cuda::Driver &driver = **loaded;
  cuda::ContextHandle context = nullptr;
  EXPECT_EQ(driver.cuDevicePrimaryCtxRetain(&context, 0), cuda::success);
  EXPECT_EQ(driver.cuCtxPushCurrent(context), cuda::success);
  cuda::Module module = nullptr;
  cuda::Function function = nullptr;
  EXPECT_EQ(driver.cuModuleLoadDataEx(&module, ptx.c_str(), 0, nullptr, nullptr), cuda::success);
  EXPECT_EQ(driver.cuModuleGetFunction(&function, module, "add_bias"), cuda::success);
  std::vector<float> out(x.size());
  cuda::Address addresses[3] = {};
  const std::vector<float> *contents[] = {&x, &bias, &out};
  for (auto [address, values] : llvm::zip_equal(addresses, contents)) {
    EXPECT_EQ(driver.cuMemAlloc(&address, values->size() * 4), cuda::success);
    EXPECT_EQ(driver.cuMemcpyHtoD(address, values->data(), values->size() * 4), cuda::success);
  }
  void *arguments[] = {&addresses[0], &addresses[1], &addresses[2]};
  cuda::LaunchConfig config = {
      {static_cast<unsigned>(x.size() / bias.size()), 1, 1}, {64, 1, 1}, 0, nullptr, nullptr, 0};
  EXPECT_EQ(driver.cuLaunchKernelEx(&config, function, arguments, nullptr), cuda::success);
  EXPECT_EQ(driver.cuMemcpyDtoH(out.data(), addresses[2], out.size() * 4), cuda::success);
  for (cuda::Address address : addresses)
    driver.cuMemFree(address);
  driver.cuModuleUnload(module);
  driver.cuCtxPopCurrent(&context);
  driver.cuDevicePrimaryCtxRelease(0);
  return out;
}

TEST_F(KernelKindTest, AddsAKindWithoutAChangeToThePasses) {
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(affineText, &context);
  ASSERT_TRUE(module && succeeded(lower(*module)));
  auto launches = *module->getOps<LaunchesOp>().begin();
  auto launch = *launches.getOps<LaunchOp>().begin();
  EXPECT_EQ(launch.getKernel().getLeafReference(), "add_bias");
  EXPECT_EQ(launch.getThreads(), 64u);

  llvm::Expected<std::string> ptx = emitPTX(*module->getOps<mlir::gpu::GPUModuleOp>().begin());
  ASSERT_TRUE(static_cast<bool>(ptx)) << llvm::toString(ptx.takeError());
  std::vector<float> x(2 * 48), bias(48);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(i);
  for (size_t j = 0; j < bias.size(); ++j)
    bias[j] = 0.5f * float(j * j);
  std::vector<float> out = run(*ptx, x, bias);
  for (size_t i = 0; i < out.size(); ++i)
    ASSERT_EQ(out[i], x[i] + bias[i % 48]) << i;
}

TEST_F(KernelKindTest, AKindOfAScheduleKnowsItsKeys) {
  std::string text = R"mlir(
    func.func @affine(%x: tensor<?x48xf32>, %b: tensor<48xf32>) -> tensor<?x48xf32> {
      %y = mla.kernel add_bias "y"(%a = %x, %c = %b) schedule <add_bias, {threads = 16}>
          : (tensor<?x48xf32>, tensor<48xf32>) -> tensor<?x48xf32> {
        %z = mla.bias %a, %c : tensor<?x48xf32>, tensor<48xf32>
        mla.yield %z : tensor<?x48xf32>
      }
      return %y : tensor<?x48xf32>
    }
  )mlir";
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  EXPECT_FALSE(parseSourceString<ModuleOp>(text, &context));
  EXPECT_NE(message.find("expected 'threads' of the schedule to be 32 to 1024, got 16"), std::string::npos) << message;
}

TEST_F(WithoutKindTest, TheProjectHasNoKernelForABias) {
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(affineText, &context);
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  EXPECT_TRUE(failed(lower(*module)));
  EXPECT_NE(message.find("adds the bias 'b', which no kernel does yet"), std::string::npos) << message;
}
