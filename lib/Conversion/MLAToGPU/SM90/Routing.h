//===- Routing.h - Routers in kernels' regions ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_ROUTING_H
#define MLA_CONVERSION_MLATOGPU_SM90_ROUTING_H

#include "Product.h"
#include "Route.h"

namespace mla::gpu {

RouteShape routeOf(RouteOp op);

/// Emit an error if no kernel supports the sizes.
llvm::LogicalResult checkSizes(RouteOp op);

/// Return the product of a router's logits, in f32; an empty one if something else reads them, or if it is none of
/// bf16.
Product logitsOf(RouteOp op);

/// Return whether a route reads the operand as logits: experts whose scores nearly tie differ by less than a rounding
/// to bf16.
bool isLogits(const mlir::OpOperand &operand);

/// Return logits, and the correction if there is one: the first arguments of a route.
mlir::FailureOr<std::vector<Argument>> inputsOf(KernelOp kernel, RouteOp op, const Buffer &logits);

/// Add the code of a route to `module`, and return its launch. Logits are `parts` arrays that are summed, rows `stride`
/// elements apart; `results` are experts and weights.
mlir::FailureOr<Launch> launchOfRoute(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Buffer &logits,
                                      llvm::ArrayRef<Buffer> results, mlir::AffineExpr tokens, mlir::AffineExpr stride,
                                      int64_t parts);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_ROUTING_H
