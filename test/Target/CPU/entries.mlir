// Public functions have a C interface and an entry that takes descriptors, arguments before results; private ones and
// those that take a number have no entry.
//
// RUN: mla-opt %s --mla-cpu-mark-entries | FileCheck %s --check-prefix=MARK
// RUN: mla-opt %s --mla-to-cpu | FileCheck %s --implicit-check-not=@mla_entry_number --implicit-check-not=@mla_entry_hidden

// MARK: func.func @step(%{{.*}}: tensor<?xf32>, %{{.*}}: tensor<?xf32>) -> tensor<?xf32> attributes {llvm.emit_c_interface}
// MARK: func.func @number(%{{.*}}: index, %{{.*}}: tensor<?xf32>) attributes {llvm.emit_c_interface}
// MARK: func.func private @hidden(%{{.*}}: tensor<?xf32>) {

// CHECK-LABEL: llvm.func @_mlir_ciface_step(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK-LABEL: llvm.func @mla_entry_step(
// CHECK-SAME: %[[DESCRIPTORS:.*]]: !llvm.ptr) {
// CHECK: %[[X:.*]] = llvm.load %[[DESCRIPTORS]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[SLOT1:.*]] = llvm.getelementptr %[[DESCRIPTORS]][1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
// CHECK: %[[Y:.*]] = llvm.load %[[SLOT1]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[SLOT2:.*]] = llvm.getelementptr %[[DESCRIPTORS]][2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
// CHECK: %[[OUT:.*]] = llvm.load %[[SLOT2]] : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.call @_mlir_ciface_step(%[[X]], %[[Y]], %[[OUT]]) : (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> ()
// CHECK-NEXT: llvm.return
func.func @step(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %init = tensor.empty(%n) : tensor<?xf32>
  %sum = linalg.add ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%init : tensor<?xf32>) -> tensor<?xf32>
  return %sum : tensor<?xf32>
}

func.func @number(%n: index, %x: tensor<?xf32>) {
  return
}

func.func private @hidden(%x: tensor<?xf32>) {
  return
}
