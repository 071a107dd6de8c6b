// A returned argument is the caller's buffer and not a result; a returned weight must be copied.
//
// RUN: mla-opt %s --mla-cpu-drop-returned | FileCheck %s

// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[X:.*]]: memref<4xf32>, %[[CACHE:.*]]: memref<?x8xf32>) -> memref<4xf32> {
// CHECK: %[[Y:.*]] = memref.alloc() : memref<4xf32>
// CHECK: return %[[Y]] : memref<4xf32>
func.func @step(%x: memref<4xf32>, %cache: memref<?x8xf32>) -> (memref<?x8xf32>, memref<4xf32>) {
  %y = memref.alloc() : memref<4xf32>
  memref.copy %x, %y : memref<4xf32> to memref<4xf32>
  return %cache, %y : memref<?x8xf32>, memref<4xf32>
}

// CHECK-LABEL: func.func @weight(
// CHECK-SAME: %[[W:.*]]: memref<4xf32> {mla.weight = "w"}) -> memref<4xf32> {
// CHECK-NEXT: return %[[W]] : memref<4xf32>
func.func @weight(%w: memref<4xf32> {mla.weight = "w"}) -> memref<4xf32> {
  return %w : memref<4xf32>
}

// CHECK-LABEL: func.func @number(
// CHECK-SAME: %[[N:.*]]: index) -> index {
// CHECK-NEXT: return %[[N]] : index
func.func @number(%n: index) -> index {
  return %n : index
}

// CHECK: func.func private @external(memref<4xf32>) -> memref<4xf32>
func.func private @external(memref<4xf32>) -> memref<4xf32>

// A call uses what it passed. The caller then returns its own argument.
//
// CHECK-LABEL: func.func private @helper(
// CHECK-SAME: %{{.*}}: memref<4xf32>, %{{.*}}: memref<4xf32>) -> index {
// CHECK-LABEL: func.func @caller(
// CHECK-SAME: %[[X:.*]]: memref<4xf32>, %[[Y:.*]]: memref<4xf32>) -> index {
// CHECK-NEXT: %[[N:.*]] = call @helper(%[[Y]], %[[X]]) {mark} : (memref<4xf32>, memref<4xf32>) -> index
// CHECK-NEXT: memref.copy %[[X]], %[[Y]]
// CHECK-NEXT: return %[[N]] : index
func.func private @helper(%x: memref<4xf32>, %y: memref<4xf32>) -> (memref<4xf32>, index, memref<4xf32>) {
  %n = arith.constant 4 : index
  return %y, %n, %x : memref<4xf32>, index, memref<4xf32>
}
func.func @caller(%x: memref<4xf32>, %y: memref<4xf32>) -> (memref<4xf32>, index) {
  %a:3 = call @helper(%y, %x) {mark} : (memref<4xf32>, memref<4xf32>) -> (memref<4xf32>, index, memref<4xf32>)
  memref.copy %a#0, %a#2 : memref<4xf32> to memref<4xf32>
  return %a#0, %a#1 : memref<4xf32>, index
}

// Who takes the address of a function calls it as it is.
//
// CHECK-LABEL: func.func private @pointed(
// CHECK-SAME: %{{.*}}: memref<4xf32>) -> memref<4xf32> {
func.func private @pointed(%x: memref<4xf32>) -> memref<4xf32> {
  return %x : memref<4xf32>
}
func.func @address() -> ((memref<4xf32>) -> memref<4xf32>) {
  %f = constant @pointed : (memref<4xf32>) -> memref<4xf32>
  return %f : (memref<4xf32>) -> memref<4xf32>
}

// In a block that is not reachable, results may depend on each other alone.
//
// CHECK-LABEL: func.func private @dead(
// CHECK-SAME: %{{.*}}: memref<4xf32>) -> memref<4xf32> {
func.func private @dead(%x: memref<4xf32>) -> memref<4xf32> {
  return %x : memref<4xf32>
}
func.func @unreachable() {
  return
^bb1:
  %a = call @dead(%b) : (memref<4xf32>) -> memref<4xf32>
  %b = call @dead(%a) : (memref<4xf32>) -> memref<4xf32>
  cf.br ^bb1
}

// CHECK-LABEL: func.func @recursive(
// CHECK-SAME: %{{.*}}: memref<4xf32>) {
// CHECK-NEXT: call @recursive(%{{.*}}) : (memref<4xf32>) -> ()
func.func @recursive(%x: memref<4xf32>) -> memref<4xf32> {
  %y = call @recursive(%x) : (memref<4xf32>) -> memref<4xf32>
  return %x : memref<4xf32>
}

// The caller of an entry passes an array for the first result: it is never an argument.
//
// CHECK-LABEL: func.func @entry(
// CHECK-SAME: %[[X:.*]]: memref<4xf32>, %{{.*}}: memref<?x8xf32>) -> memref<4xf32> attributes
// CHECK-NEXT: return %[[X]] : memref<4xf32>
func.func @entry(%x: memref<4xf32>, %cache: memref<?x8xf32>) -> (memref<4xf32>, memref<?x8xf32>) attributes {mla.regime = #mla.regime<{phase = decode, q = naive, o = naive}>} {
  return %x, %cache : memref<4xf32>, memref<?x8xf32>
}
// CHECK-LABEL: func.func @end(
// CHECK-SAME: %[[X:.*]]: memref<4xf32>) -> memref<4xf32> attributes
// CHECK-NEXT: return %[[X]] : memref<4xf32>
func.func @end(%x: memref<4xf32>) -> memref<4xf32> attributes {mla.end = "logits"} {
  return %x : memref<4xf32>
}
