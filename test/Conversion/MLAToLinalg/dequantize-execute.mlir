// Executes block-scaled weights: partial blocks, and every code of e4m3.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @blocks(%w: tensor<3x5xf8E4M3FN>, %s: tensor<2x3xf32>) {
  %y = mla.dequantize %w, %s {block = array<i64: 2, 2>} : tensor<3x5xf8E4M3FN>, tensor<2x3xf32> -> tensor<3x5xf32>
  %print0 = tensor.cast %y : tensor<3x5xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @codes(%w: tensor<1x256xf8E4M3FN>, %s: tensor<1x1xf32>) {
  %y = mla.dequantize %w, %s {block = array<i64: 128, 256>} : tensor<1x256xf8E4M3FN>, tensor<1x1xf32> -> tensor<1x256xf32>
  %print0 = tensor.cast %y : tensor<1x256xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @bf16(%w: tensor<2x2xbf16>, %s: tensor<1x2xbf16>) {
  %y = mla.dequantize %w, %s {block = array<i64: 3, 1>} : tensor<2x2xbf16>, tensor<1x2xbf16> -> tensor<2x2xbf16>
  %wide0 = arith.extf %y : tensor<2x2xbf16> to tensor<2x2xf32>
  %print0 = tensor.cast %wide0 : tensor<2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %blocks_w = arith.constant dense<[[1.0, -2.0, 448.0, 0.5, -0.0], [0.001953125, 1.0, 1.0, 1.0, 1.0], [1.0, -448.0, 1.0, 240.0, 1.0]]> : tensor<3x5xf8E4M3FN>
  %blocks_s = arith.constant dense<[[1.0, 2.0, 0.5], [10.0, 0.25, -1.0]]> : tensor<2x3xf32>
  call @blocks(%blocks_w, %blocks_s) : (tensor<3x5xf8E4M3FN>, tensor<2x3xf32>) -> ()
  %codes_w = arith.constant dense<"0x000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"> : tensor<1x256xf8E4M3FN>
  %codes_s = arith.constant dense<[[512.0]]> : tensor<1x1xf32>
  call @codes(%codes_w, %codes_s) : (tensor<1x256xf8E4M3FN>, tensor<1x1xf32>) -> ()
  %bf16_w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xbf16>
  %bf16_s = arith.constant dense<[[0.5, 4.0]]> : tensor<1x2xbf16>
  call @bf16(%bf16_w, %bf16_s) : (tensor<2x2xbf16>, tensor<1x2xbf16>) -> ()
  return
}

// 3 x 5 in blocks of 2 x 2: the scale of row 2 is the second one, of column 4 the third one.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, -2, 896, 1, -0],
// CHECK-NEXT: [0.00195312, 1, 2, 2, 0.5],
// CHECK-NEXT: [10, -4480, 0.25, 60, -1{{\]\]}}

// All 256 codes times 512: 1 is the smallest subnormal, 448 * 512 the largest, 0x7f and 0xff are NaN.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 26, 28, 30, 32, 36, 40, 44, 48, 52, 56, 60, 64, 72, 80, 88, 96, 104, 112, 120, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480, 512, 576, 640, 704, 768, 832, 896, 960, 1024, 1152, 1280, 1408, 1536, 1664, 1792, 1920, 2048, 2304, 2560, 2816, 3072, 3328, 3584, 3840, 4096, 4608, 5120, 5632, 6144, 6656, 7168, 7680, 8192, 9216, 10240, 11264, 12288, 13312, 14336, 15360, 16384, 18432, 20480, 22528, 24576, 26624, 28672, 30720, 32768, 36864, 40960, 45056, 49152, 53248, 57344, 61440, 65536, 73728, 81920, 90112, 98304, 106496, 114688, 122880, 131072, 147456, 163840, 180224, 196608, 212992, 229376, {{-?nan}}, -0, -1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13, -14, -15, -16, -18, -20, -22, -24, -26, -28, -30, -32, -36, -40, -44, -48, -52, -56, -60, -64, -72, -80, -88, -96, -104, -112, -120, -128, -144, -160, -176, -192, -208, -224, -240, -256, -288, -320, -352, -384, -416, -448, -480, -512, -576, -640, -704, -768, -832, -896, -960, -1024, -1152, -1280, -1408, -1536, -1664, -1792, -1920, -2048, -2304, -2560, -2816, -3072, -3328, -3584, -3840, -4096, -4608, -5120, -5632, -6144, -6656, -7168, -7680, -8192, -9216, -10240, -11264, -12288, -13312, -14336, -15360, -16384, -18432, -20480, -22528, -24576, -26624, -28672, -30720, -32768, -36864, -40960, -45056, -49152, -53248, -57344, -61440, -65536, -73728, -81920, -90112, -98304, -106496, -114688, -122880, -131072, -147456, -163840, -180224, -196608, -212992, -229376, {{-?nan}}{{\]\]}}

// A block larger than the weight, bf16 scales.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.5, 8],
// CHECK-NEXT: [1.5, 16{{\]\]}}
