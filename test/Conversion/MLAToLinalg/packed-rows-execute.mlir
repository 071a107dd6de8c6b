// Packed rows executed: appended, their bytes printed, then gathered.
//
// Pages of 2 tokens, of a sequence that lies in pages 1 and 0; before, every byte is 170. Bytes by hand: e4m3 has 4 bits of
// exponent, whose bias is 7, and 3 of mantissa, so that 1.0 is 0x38 = 56, the least subnormal, 2^-9, is 1, and the largest
// number, 448, is 0x7e = 126. 128 is the sign.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})
!tensor = !mla.cache<page = 2, latent = 12, rope = 4, f32, fp8_tensor>
!row = !mla.cache<page = 2, latent = 192, rope = 4, f32, fp8_row>

// Prints bytes [first, first + count) of a row.
func.func private @print_bytes(%pages: memref<?x2x?xi8>, %page: index, %slot: index, %first: index, %count: index) {
  %numbers = tensor.generate %count {
  ^bb0(%i: index):
    %at = arith.addi %first, %i : index
    %byte = memref.load %pages[%page, %slot, %at] : memref<?x2x?xi8>
    %number = arith.uitofp %byte : i8 to f32
    tensor.yield %number : f32
  } : tensor<?xf32>
  %print = tensor.cast %numbers : tensor<?xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @print(%numbers: tensor<?x?xf32>) {
  %print = tensor.cast %numbers : tensor<?x?xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @with_tensor(%latent: tensor<?x12xf32>, %key: tensor<?x4xf32>, %position: tensor<?xi32>, %sequence: tensor<?xi32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>) {
  %memory = memref.alloc() : memref<2x2x32xi8>
  %before = arith.constant 170 : i8
  linalg.fill ins(%before : i8) outs(%memory : memref<2x2x32xi8>)
  %held = bufferization.to_tensor %memory restrict writable : memref<2x2x32xi8> to tensor<2x2x32xi8>
  %pages = tensor.cast %held : tensor<2x2x32xi8> to tensor<?x2x32xi8>
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x2x32xi8>, tensor<?x?xi32>, tensor<?xi32> to !tensor
  %new = mla.append %latent, %key at %position of %sequence into %cache : tensor<?x12xf32>, tensor<?x4xf32> into !tensor
  %c, %k, %cu = mla.gather %new : !tensor
  %c_print = tensor.cast %c : tensor<?x12xf32> to tensor<?x?xf32>
  call @print(%c_print) : (tensor<?x?xf32>) -> ()
  %k_print = tensor.cast %k : tensor<?x4xf32> to tensor<?x?xf32>
  call @print(%k_print) : (tensor<?x?xf32>) -> ()
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %all = arith.constant 32 : index
  %printed = memref.cast %memory : memref<2x2x32xi8> to memref<?x2x?xi8>
  call @print_bytes(%printed, %one, %zero, %zero, %all) : (memref<?x2x?xi8>, index, index, index, index) -> ()
  call @print_bytes(%printed, %one, %one, %zero, %all) : (memref<?x2x?xi8>, index, index, index, index) -> ()
  call @print_bytes(%printed, %zero, %zero, %zero, %all) : (memref<?x2x?xi8>, index, index, index, index) -> ()
  return
}

func.func private @with_row(%latent: tensor<?x192xf32>, %key: tensor<?x4xf32>, %position: tensor<?xi32>, %sequence: tensor<?xi32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>) {
  %memory = memref.alloc() : memref<2x2x224xi8>
  %before = arith.constant 170 : i8
  linalg.fill ins(%before : i8) outs(%memory : memref<2x2x224xi8>)
  %held = bufferization.to_tensor %memory restrict writable : memref<2x2x224xi8> to tensor<2x2x224xi8>
  %pages = tensor.cast %held : tensor<2x2x224xi8> to tensor<?x2x224xi8>
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x2x224xi8>, tensor<?x?xi32>, tensor<?xi32> to !row
  %new = mla.append %latent, %key at %position of %sequence into %cache : tensor<?x192xf32>, tensor<?x4xf32> into !row
  %c, %k, %cu = mla.gather %new : !row
  %c_head = tensor.extract_slice %c[0, 0] [4, 3] [1, 1] : tensor<?x192xf32> to tensor<4x3xf32>
  %c_head_print = tensor.cast %c_head : tensor<4x3xf32> to tensor<?x?xf32>
  call @print(%c_head_print) : (tensor<?x?xf32>) -> ()
  %c_middle = tensor.extract_slice %c[0, 126] [4, 6] [1, 1] : tensor<?x192xf32> to tensor<4x6xf32>
  %c_middle_print = tensor.cast %c_middle : tensor<4x6xf32> to tensor<?x?xf32>
  call @print(%c_middle_print) : (tensor<?x?xf32>) -> ()
  %k_print = tensor.cast %k : tensor<?x4xf32> to tensor<?x?xf32>
  call @print(%k_print) : (tensor<?x?xf32>) -> ()
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %four = arith.constant 4 : index
  %six = arith.constant 6 : index
  %middle = arith.constant 126 : index
  %end = arith.constant 190 : index
  %rest = arith.constant 34 : index
  %printed = memref.cast %memory : memref<2x2x224xi8> to memref<?x2x?xi8>
  scf.for %token = %zero to %four step %one {
    %entry = arith.divui %token, %two : index
    %page = arith.subi %one, %entry : index
    %slot = arith.remui %token, %two : index
    func.call @print_bytes(%printed, %page, %slot, %zero, %four) : (memref<?x2x?xi8>, index, index, index, index) -> ()
    func.call @print_bytes(%printed, %page, %slot, %middle, %six) : (memref<?x2x?xi8>, index, index, index, index) -> ()
    func.call @print_bytes(%printed, %page, %slot, %end, %rest) : (memref<?x2x?xi8>, index, index, index, index) -> ()
  }
  return
}

func.func @main() {
  // Zeros, 448 and beyond, 1, ties of normals and subnormals, no number.
  %latent_s = arith.constant dense<[[0.0, -0.0, 448.0, 1000.0, -464.0, 1.0, 1.0625, 1.1875, 0.001953125, 0.0009765625, 0.0029296875, 0x7FC00000], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<2x12xf32>
  %latent = tensor.cast %latent_s : tensor<2x12xf32> to tensor<?x12xf32>
  // The least normal, a tie that rounds up to it, infinity, and less than half of the least subnormal.
  %key_s = arith.constant dense<[[0.015625, 0.0146484375, 0x7F800000, -0.0009], [0.0, 0.0, 0.0, 0.0]]> : tensor<2x4xf32>
  %key = tensor.cast %key_s : tensor<2x4xf32> to tensor<?x4xf32>
  %position_s = arith.constant dense<[0, 1]> : tensor<2xi32>
  %position = tensor.cast %position_s : tensor<2xi32> to tensor<?xi32>
  %sequence_s = arith.constant dense<0> : tensor<2xi32>
  %sequence = tensor.cast %sequence_s : tensor<2xi32> to tensor<?xi32>
  %table_s = arith.constant dense<[[1, 0]]> : tensor<1x2xi32>
  %table = tensor.cast %table_s : tensor<1x2xi32> to tensor<?x?xi32>
  %lengths_s = arith.constant dense<2> : tensor<1xi32>
  %lengths = tensor.cast %lengths_s : tensor<1xi32> to tensor<?xi32>
  call @with_tensor(%latent, %key, %position, %sequence, %table, %lengths) : (tensor<?x12xf32>, tensor<?x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32>, tensor<?xi32>) -> ()

  // Scales 2 and 0.5; none but zeros; a group without a number beside one with scale 1; a scale that would be subnormal.
  %row_latent_s = arith.constant dense<[[896.0, 2.0, -2.125, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.00390625, 224.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [448.0, -20.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0x7FC00000, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0x00080000, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -448.0, 27.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<4x192xf32>
  %row_latent = tensor.cast %row_latent_s : tensor<4x192xf32> to tensor<?x192xf32>
  %row_key_s = arith.constant dense<[[1.0, 1.00390625, 1.01171875, -0.0], [0.0, 0.0, 0.0, 0.0], [0x7FC00000, 0.0, 0.0, 0.0], [0x7F800000, 3.0e38, 1.0e-40, 0.0]]> : tensor<4x4xf32>
  %row_key = tensor.cast %row_key_s : tensor<4x4xf32> to tensor<?x4xf32>
  %row_position_s = arith.constant dense<[0, 1, 2, 3]> : tensor<4xi32>
  %row_position = tensor.cast %row_position_s : tensor<4xi32> to tensor<?xi32>
  %row_sequence_s = arith.constant dense<0> : tensor<4xi32>
  %row_sequence = tensor.cast %row_sequence_s : tensor<4xi32> to tensor<?xi32>
  %row_lengths_s = arith.constant dense<4> : tensor<1xi32>
  %row_lengths = tensor.cast %row_lengths_s : tensor<1xi32> to tensor<?xi32>
  call @with_row(%row_latent, %row_key, %row_position, %row_sequence, %table, %row_lengths) : (tensor<?x192xf32>, tensor<?x4xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32>, tensor<?xi32>) -> ()
  return
}

// fp8_tensor, gathered.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0, -0, 448, 448, -448, 1, 1, 1.25, 0.00195312, 0, 0.00390625, nan],
// CHECK-NEXT: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.015625, 0.015625, 448, -0],
// CHECK-NEXT: [0, 0, 0, 0{{\]\]}}

// Its bytes: 12 of the latent, 4 between, 4 of the key, 12 to the end. Of a row without token none is written.
// CHECK: data =
// CHECK-NEXT: [0, 128, 126, 126, 254, 56, 56, 58, 1, 0, 2, 127, 0, 0, 0, 0, 8, 8, 126, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
// CHECK: data =
// CHECK-NEXT: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
// CHECK: data =
// CHECK-NEXT: [170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170, 170]

// fp8_row, gathered: columns 0 to 2, 126 to 131, and the keys, which are bf16 (1 + 2^-8 and 1 + 3 2^-8 are ties).
// CHECK: data =
// CHECK-NEXT: {{\[\[}}896, 2, -2],
// CHECK-NEXT: [0, 0, 0],
// CHECK-NEXT: [448, -20, 0],
// CHECK-NEXT: [7.34684e-40, 0, 0{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0, 0.00390625, 224, 1, 0, 0],
// CHECK-NEXT: [0, 0, 0, 0, 0, 0],
// CHECK-NEXT: [0, 0, nan, nan, nan, nan],
// CHECK-NEXT: [0, 0, -448, 28, 0, 0{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, 1, 1.01562, -0],
// CHECK-NEXT: [0, 0, 0, 0],
// CHECK-NEXT: [nan, 0, 0, 0],
// CHECK-NEXT: [inf, 3.00406e+38, 9.18355e-41, 0{{\]\]}}

// Its bytes: 0 to 3, 126 to 131, and 190 to 223, where scales begin at 192 and the key at 208.
// Scales 2.0 and 0.5: -2.125 / 2 is a tie between 1 and 1.125.
// CHECK: data =
// CHECK-NEXT: [126, 56, 184, 0]
// CHECK: data =
// CHECK-NEXT: [0, 1, 126, 64, 0, 0]
// CHECK: data =
// CHECK-NEXT: [0, 128, 0, 0, 0, 64, 0, 0, 0, 63, 0, 0, 0, 0, 0, 0, 0, 0, 128, 63, 128, 63, 130, 63, 0, 128, 0, 0, 0, 0, 0, 0, 0, 0]
// Zeros: scales of 2^-126.
// CHECK: data =
// CHECK-NEXT: [0, 0, 0, 0]
// CHECK: data =
// CHECK-NEXT: [0, 0, 0, 0, 0, 0]
// CHECK: data =
// CHECK-NEXT: [0, 0, 0, 0, 128, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
// One NaN, and its group and the group's scale are none.
// CHECK: data =
// CHECK-NEXT: [126, 218, 0, 0]
// CHECK: data =
// CHECK-NEXT: [0, 0, 127, 127, 127, 127]
// CHECK: data =
// CHECK-NEXT: [127, 127, 0, 0, 128, 63, 0, 0, 192, 127, 0, 0, 0, 0, 0, 0, 0, 0, 192, 127, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
// 2^-130 by the least scale is 2^-4; 27 is a tie between 26 and 28.
// CHECK: data =
// CHECK-NEXT: [24, 0, 0, 0]
// CHECK: data =
// CHECK-NEXT: [0, 0, 254, 94, 0, 0]
// CHECK: data =
// CHECK-NEXT: [0, 0, 0, 0, 128, 0, 0, 0, 128, 63, 0, 0, 0, 0, 0, 0, 0, 0, 128, 127, 98, 127, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
