/* Where the fields of release 0.1 are, and what its constants are: compiled with the header of that release, and with
 * today's. */
#include MLA_LAYOUT_HEADER

#define FIELD(Struct, field) offsetof(Struct, field), sizeof(((Struct *)0)->field)
#define STEP(Struct)                                                                                                   \
  FIELD(Struct, size), FIELD(Struct, tokens), FIELD(Struct, batch), FIELD(Struct, max_queries),                        \
      FIELD(Struct, max_length), FIELD(Struct, cached), FIELD(Struct, cu_seqlens), FIELD(Struct, out),                 \
      FIELD(Struct, workspace), FIELD(Struct, workspace_bytes), FIELD(Struct, stream)
#define PAGED(Struct)                                                                                                  \
  STEP(Struct), FIELD(Struct, num_pages), FIELD(Struct, table_width), FIELD(Struct, pages),                            \
      FIELD(Struct, block_table), FIELD(Struct, lengths)

const size_t MLA_LAYOUT_NAME[] = {PAGED(mla_step),
                                  FIELD(mla_step, layer),
                                  FIELD(mla_step, phase),
                                  FIELD(mla_step, reserved),
                                  FIELD(mla_step, hidden),

                                  PAGED(mla_latent_attention),
                                  FIELD(mla_latent_attention, q_stride),
                                  FIELD(mla_latent_attention, q_latent),
                                  FIELD(mla_latent_attention, q_rope),
                                  FIELD(mla_latent_attention, lse),
                                  FIELD(mla_latent_attention, indices_settled),
                                  FIELD(mla_latent_attention, scale),

                                  STEP(mla_naive_attention),
                                  FIELD(mla_naive_attention, q_stride),
                                  FIELD(mla_naive_attention, q_nope),
                                  FIELD(mla_naive_attention, q_rope),
                                  FIELD(mla_naive_attention, k_nope),
                                  FIELD(mla_naive_attention, k_rope),
                                  FIELD(mla_naive_attention, v),
                                  FIELD(mla_naive_attention, cu_keys),
                                  FIELD(mla_naive_attention, scale),

                                  FIELD(mla_bundle_info, path),
                                  FIELD(mla_bundle_info, producer),
                                  FIELD(mla_bundle_info, target),
                                  FIELD(mla_bundle_info, isa),
                                  FIELD(mla_bundle_info, model_type),
                                  FIELD(mla_bundle_info, cache_format),
                                  FIELD(mla_bundle_info, plan),
                                  FIELD(mla_bundle_info, dtype),
                                  FIELD(mla_bundle_info, cache_dtype),
                                  FIELD(mla_bundle_info, page),
                                  FIELD(mla_bundle_info, tensor_parallel),
                                  FIELD(mla_bundle_info, rank),
                                  FIELD(mla_bundle_info, hidden_size),
                                  FIELD(mla_bundle_info, num_attention_heads),
                                  FIELD(mla_bundle_info, heads),
                                  FIELD(mla_bundle_info, q_lora_rank),
                                  FIELD(mla_bundle_info, kv_lora_rank),
                                  FIELD(mla_bundle_info, qk_nope_head_dim),
                                  FIELD(mla_bundle_info, qk_rope_head_dim),
                                  FIELD(mla_bundle_info, v_head_dim),
                                  FIELD(mla_bundle_info, rms_norm_eps),
                                  FIELD(mla_bundle_info, rope_theta),
                                  FIELD(mla_bundle_info, layers),
                                  FIELD(mla_bundle_info, num_layers),
                                  FIELD(mla_bundle_info, num_entries),
                                  FIELD(mla_bundle_info, device_memory),
                                  FIELD(mla_bundle_info, device),
                                  FIELD(mla_bundle_info, code_seconds),
                                  FIELD(mla_bundle_info, weights_seconds),

                                  FIELD(mla_entry_info, symbol),
                                  FIELD(mla_entry_info, phase),
                                  FIELD(mla_entry_info, q),
                                  FIELD(mla_entry_info, o),
                                  FIELD(mla_entry_info, first_tokens),
                                  FIELD(mla_entry_info, last_tokens),
                                  FIELD(mla_entry_info, first_context),
                                  FIELD(mla_entry_info, last_context),
                                  FIELD(mla_entry_info, weight_bytes),

                                  MLA_OK,
                                  MLA_INVALID_ARGUMENT,
                                  MLA_IO_ERROR,
                                  MLA_INVALID_FILE,
                                  MLA_UNSUPPORTED,
                                  MLA_OUT_OF_MEMORY,
                                  MLA_OUT_OF_PAGES,
                                  MLA_NO_DEVICE,
                                  MLA_DEVICE_ERROR,
                                  MLA_F32,
                                  MLA_BF16,
                                  MLA_PHASE_AUTO,
                                  MLA_PHASE_PREFILL,
                                  MLA_PHASE_DECODE};
const size_t MLA_LAYOUT_COUNT = sizeof(MLA_LAYOUT_NAME) / sizeof(*MLA_LAYOUT_NAME);
