//===- ModelGraph.cpp - A captured step of a model ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EnqueueModel.h"
#include "Status.h"

using namespace mla;

struct mla_graph {
  std::shared_ptr<CudaContext> context;
  std::shared_ptr<GpuComm> comm; ///< whose collectives it has; null: none
  cuda::GraphExec executable = nullptr;

  explicit mla_graph(const GpuCode &code) : context(code.context()), comm(code.ranks()) {}
  ~mla_graph() {
    ContextScope scope(*context);
    if (executable)
      context->driver.cuGraphExecDestroy(executable);
  }
};

namespace {
/// A stream to capture on, and what was captured.
struct Capture {
  const cuda::Driver &driver;
  cuda::Stream stream = nullptr;
  cuda::Graph graph = nullptr;

  explicit Capture(const cuda::Driver &driver) : driver(driver) {}
  ~Capture() {
    if (graph)
      driver.cuGraphDestroy(graph);
    if (stream)
      driver.cuStreamDestroy(stream);
  }
};
} // namespace

/// Captures the step. The capture is ended also after an error.
static Error capture(const char *function, const mla_bundle *bundle, const mla_model_step *step, Capture &capture) {
  const cuda::Driver &driver = capture.driver;
  if (cuda::Status status = driver.cuStreamCreate(&capture.stream, cuda::streamNonBlocking))
    return driver.failed(function, "cuStreamCreate", status);
  if (cuda::Status status = driver.cuStreamBeginCapture(capture.stream, cuda::captureThreadLocal))
    return driver.failed(function, "cuStreamBeginCapture", status);
  Error error = enqueueGivenModel(function, bundle, step, capture.stream);
  cuda::Status status = driver.cuStreamEndCapture(capture.stream, &capture.graph);
  if (error || !status)
    return error;
  return driver.failed(function, "cuStreamEndCapture", status);
}

static Error createGraph(const char *function, const mla_bundle *bundle, const mla_model_step *step,
                         mla_graph **result) {
  if (!result)
    return badArgument(function, "graph is NULL; pass a place for the result");
  if (Error error = checkGpuModel(function, bundle))
    return error;
  auto graph = std::make_unique<mla_graph>(*bundle->gpu);
  const cuda::Driver &driver = graph->context->driver;
  ContextScope scope(*graph->context);
  if (Error error = scope.error(function))
    return error;
  Capture captured(driver);
  if (Error error = capture(function, bundle, step, captured))
    return error;
  if (cuda::Status status = driver.cuGraphInstantiate(&graph->executable, captured.graph, /*flags=*/0))
    return driver.failed(function, "cuGraphInstantiateWithFlags", status);
  *result = graph.release();
  return {};
}

static Error launchGraph(const char *function, mla_graph *graph, void *stream) {
  if (!graph)
    return badArgument(function, "graph is NULL; pass one of mla_model_graph_create");
  ContextScope scope(*graph->context);
  if (Error error = scope.error(function))
    return error;
  if (Error error = graph->comm ? graph->comm->failure(function) : Error())
    return error;
  if (cuda::Status status = graph->context->driver.cuGraphLaunch(graph->executable, static_cast<cuda::Stream>(stream)))
    return graph->context->driver.failed(function, "cuGraphLaunch", status);
  return {};
}

mla_status mla_model_graph_create(const mla_bundle *bundle, const mla_model_step *step, mla_graph **graph) {
  return report(createGraph("mla_model_graph_create", bundle, step, graph));
}

mla_status mla_graph_launch(mla_graph *graph, void *stream) {
  return report(launchGraph("mla_graph_launch", graph, stream));
}

void mla_graph_destroy(mla_graph *graph) { delete graph; }
