func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})
func.func @main() {
  %w = arith.constant dense<[[256.0, 0.0], [1.0, 2.0], [0.0, 0.0]]> : tensor<3x2xbf16>
  %b = arith.constant dense<[[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]]> : tensor<1x3x2xbf16>
  %a = arith.constant dense<[[[0.5, 1.0], [2.0, 0.0]]]> : tensor<1x2x2xbf16>
  %merged = call @prepare.w_plus_lora_b_x_lora_a(%w, %b, %a) : (tensor<3x2xbf16>, tensor<1x3x2xbf16>, tensor<1x2x2xbf16>) -> tensor<3x2xf32>
  %print0 = tensor.cast %merged : tensor<3x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %x = arith.constant dense<[[1.0, 10.0]]> : tensor<1x2xf32>
  %y = call @layer(%x, %merged) : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  %print1 = tensor.cast %y : tensor<1x3xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}
}
