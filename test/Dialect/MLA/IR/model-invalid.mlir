// RUN: mla-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{expected the cache's scale of mla.model to be a number from 2^-40 to 2^40, got 0.000000e+00 : f64}}
module attributes {mla.model = {cache = {dtype = "f32", format = "fp8_tensor", scale = 0.000000e+00 : f64}, heads = 1 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, qk_nope_head_dim = 16 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 16 : i64}} {}

// -----

// expected-error @+1 {{expected the cache's scale of mla.model to be a number from 2^-40 to 2^40, got 0x7FF0000000000000 : f64}}
module attributes {mla.model = {cache = {dtype = "f32", format = "fp8_tensor", scale = 0x7FF0000000000000 : f64}, heads = 1 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, qk_nope_head_dim = 16 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 16 : i64}} {}

// -----

// expected-error @+1 {{expected the cache's scale of mla.model to be a number from 2^-40 to 2^40, got "2"}}
module attributes {mla.model = {cache = {dtype = "f32", format = "fp8_tensor", scale = "2"}, heads = 1 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, qk_nope_head_dim = 16 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 16 : i64}} {}

// -----

// expected-error @+1 {{expected a cache of mla.model with a scale to have the format fp8_tensor, got "fp8_row"}}
module attributes {mla.model = {cache = {dtype = "f32", format = "fp8_row", scale = 2.000000e+00 : f64}, heads = 1 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, qk_nope_head_dim = 16 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 16 : i64}} {}

// -----

// expected-error @+1 {{expected adapters of mla.model to have different names, and a cache that is "own" or "shared", got {cache = "shared", names = ["a", "a"]}}}
module attributes {mla.model = {adapters = {cache = "shared", names = ["a", "a"]}, heads = 1 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, qk_nope_head_dim = 16 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 16 : i64}} {}

// -----

// expected-error @+1 {{expected adapters of mla.model to have different names, and a cache that is "own" or "shared", got {cache = "other", names = ["a"]}}}
module attributes {mla.model = {adapters = {cache = "other", names = ["a"]}, heads = 1 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, qk_nope_head_dim = 16 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 16 : i64}} {}

// -----

// expected-error @+1 {{expected adapters of mla.model to have different names, and a cache that is "own" or "shared", got {cache = "own", names = []}}}
module attributes {mla.model = {adapters = {cache = "own", names = []}, heads = 1 : i64, kv_lora_rank = 64 : i64, page = 64 : i64, qk_nope_head_dim = 16 : i64, qk_rope_head_dim = 16 : i64, v_head_dim = 16 : i64}} {}
