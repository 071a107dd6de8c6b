//===- HostileBundleTest.cpp - Bundles for a GPU that mean harm -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The guarantees of docs/hardening.md: no file outside the bundle is read, no
// address outside a buffer reaches the driver, no memory is allocated without
// bound. LaunchListTest tests launch lists.
//
//===----------------------------------------------------------------------===//

#include "Cubin.h"
#include "GpuTestSupport.h"
#include "Manifest.h"

#include <algorithm>
#include <elf.h>
#include <functional>
#include <unistd.h>

using namespace mla;

class HostileBundle : public GpuTest {
protected:
  mla_status openStatus() { return ::openStatus(directory.path); }
  /// Opens a bundle with that change and enqueues both cores. Returns the message of the first error.
  std::string enqueueCores(const std::string &from, const std::string &to);
};

static mla_latent_attention latentStep() {
  auto step = ofSizes<mla_latent_attention>(1, 1, 1, 4);
  step.num_pages = step.table_width = 1;
  step.q_stride = 24;
  void *somewhere = reinterpret_cast<void *>(uint64_t(1) << 40); // no kernel runs
  step.q_latent = step.q_rope = step.pages = step.out = step.workspace = somewhere;
  step.block_table = step.lengths = step.cu_seqlens = static_cast<int32_t *>(somewhere);
  step.lse = static_cast<float *>(somewhere);
  step.workspace_bytes = 4096;
  return step;
}

static mla_naive_attention naiveStep() {
  auto step = ofSizes<mla_naive_attention>(1, 1, 1, 4);
  step.cached = 4;
  step.q_stride = 24;
  void *somewhere = reinterpret_cast<void *>(uint64_t(1) << 40);
  step.q_nope = step.q_rope = step.k_nope = step.k_rope = step.v = step.out = somewhere;
  step.cu_seqlens = step.cu_keys = static_cast<int32_t *>(somewhere);
  return step;
}

std::string HostileBundle::enqueueCores(const std::string &from, const std::string &to) {
  mla_bundle_close(std::exchange(bundle, nullptr));
  openGpu(0, replaced(gpuManifest(), from, to));
  mla_latent_attention latent = latentStep();
  if (mla_enqueue_latent_attention(bundle, &latent) != MLA_OK)
    return mla_last_error();
  mla_naive_attention naive = naiveStep();
  return mla_enqueue_naive_attention(bundle, &naive) != MLA_OK ? mla_last_error() : "";
}

//===-- Files --------------------------------------------------------------===//

TEST_F(HostileBundle, LinksOutOfItAreNotFollowed) {
  for (const char *name : {"manifest.json", "kernels.ptx", "weights.safetensors", "kernels.cubin"}) {
    writeBundle(directory.path, gpuManifest(), {{"kernels.cubin", gpuCubin()}, {"kernels.ptx", gpuModule()}});
    ASSERT_EQ(openStatus(), MLA_OK) << mla_last_error();
    TempDir elsewhere;
    // The same file, so that only the link is wrong.
    ASSERT_EQ(rename((directory / name).c_str(), (elsewhere / name).c_str()), 0);
    ASSERT_EQ(symlink((elsewhere / name).c_str(), (directory / name).c_str()), 0);
    EXPECT_EQ(openStatus(), MLA_INVALID_FILE) << name;
    EXPECT_MESSAGE(std::string(name) + ": is a symbolic link, which could lead out of the bundle");
    ASSERT_EQ(unlink((directory / name).c_str()), 0);
  }
}

TEST_F(HostileBundle, MayItselfBeALink) {
  writeGpuBundle(directory.path);
  TempDir elsewhere;
  std::string link = elsewhere / "bundle.mla";
  ASSERT_EQ(symlink(directory.path.c_str(), link.c_str()), 0);
  ASSERT_EQ(mla_bundle_open(link.c_str(), &bundle), MLA_OK) << mla_last_error();
  EXPECT_EQ(unlink(link.c_str()), 0);
}

TEST_F(HostileBundle, NamesOfFilesStayInside) {
  for (const char *name : {"../weights.safetensors", "/etc/passwd", "a/b", "..", ".", "", "a\\u0000b"}) {
    writeGpuBundle(directory.path, replaced(gpuManifest(), "{FILES}", "{\"" + std::string(name) + "\": 1, FILES}"));
    EXPECT_EQ(openStatus(), MLA_INVALID_FILE) << name;
    EXPECT_MESSAGE("which is no plain file name");
  }
}

//===-- Buffers ------------------------------------------------------------===//

TEST_F(HostileBundle, CoresStayInTheCallersBuffers) {
  EXPECT_EQ(enqueueCores("\"threads\": 384", "\"threads\": 384"), "");
  // 8 heads of 24 elements, the last of 16 or 8; pointers may stand at the end.
  struct {
    const char *buffer;
    int64_t bytes;
  } latent[] = {{"q_latent", 2 * (7 * 24 + 16)},
                {"q_rope", 2 * (7 * 24 + 8)},
                {"lse", 4 * 8},
                {"pages", 2 * 4 * 24},
                {"block_table", 4},
                {"lengths", 4},
                {"cu_seqlens", 8},
                {"out", 2 * 8 * 16}},
    naive[] = {{"q_nope", 2 * (7 * 24 + 16)},
               {"q_rope", 2 * (7 * 24 + 8)},
               {"k_nope", 2 * 4 * 8 * 16},
               {"k_rope", 2 * 4 * 8},
               {"v", 2 * 4 * 8 * 16},
               {"cu_seqlens", 8},
               {"cu_keys", 8},
               {"out", 2 * 8 * 16}};
  auto check = [&](const std::string &argument, const char *buffer, int64_t bytes) {
    auto with = [&](int64_t offset) {
      return enqueueCores(argument,
                          "{\"pointer\": \"" + std::string(buffer) + "\", \"offset\": " + std::to_string(offset) + "}");
    };
    EXPECT_EQ(with(bytes), "") << buffer;
    EXPECT_NE(with(bytes + 1).find("offset " + std::to_string(bytes + 1) + " lies beyond a buffer of " +
                                   std::to_string(bytes) + " bytes"),
              std::string::npos)
        << buffer << ": " << mla_last_error();
  };
  for (auto [buffer, bytes] : latent)
    check("{\"pointer\": \"lse\", \"offset\": 0}", buffer, bytes);
  for (auto [buffer, bytes] : naive)
    check("{\"pointer\": \"q_nope\", \"offset\": 0}", buffer, bytes);
}

TEST_F(HostileBundle, MapsOfCoresEndInTheirBuffers) {
  EXPECT_NE(enqueueCores("\"dims\": [16, 8, \"tokens\"]", "\"dims\": [16, 9, \"tokens\"]")
                .find("the tensor reaches 416 bytes into a buffer of 368"),
            std::string::npos)
      << mla_last_error();
  EXPECT_NE(enqueueCores("\"dims\": [16, 8, \"cached\"]", "\"dims\": [16, 8, [\"+\", \"cached\", 1]]")
                .find("the tensor reaches 1280 bytes into a buffer of 1024"),
            std::string::npos)
      << mla_last_error();
}

//===-- Memory -------------------------------------------------------------===//

TEST_F(HostileBundle, CannotAskForAllMemory) {
  // 600 kB of text would be 65536 layers of 16 entries: a million arrays of weights.
  std::string layers = "0",
              entry = "{\"symbol\": \"s\", \"phase\": \"prefill\", \"q\": \"naive\", \"o\": \"naive\", "
                      "\"tokens\": [0, -1], \"context\": [0, -1], \"weights\": [], \"workspace\": [], \"launches\": "
                      "[{\"kernel\": \"core\", \"grid\": [1, 1, 1], \"threads\": 1, \"shared\": 0, "
                      "\"args\": []}]}, ",
              entries;
  for (int i = 1; i < 65536; ++i)
    layers += "," + std::to_string(i);
  for (int i = 0; i < 16; ++i)
    entries += entry;
  std::string text = replaced(gpuManifest(), "[3, 5]", "[" + layers + "]");
  text = replaced(text, "FILES", "\"kernels.ptx\": 1, \"weights.safetensors\": 1");
  Result<Manifest> manifest = parseManifest("m.json", replaced(text, "\"entries\": [", "\"entries\": [" + entries));
  ASSERT_FALSE(manifest);
  EXPECT_NE(manifest.error().message().find("field 'layers' times the entries' weights must be at most 1048576"),
            std::string::npos)
      << manifest.error().message();
}

//===-- Modules ------------------------------------------------------------===//

TEST_F(HostileBundle, AssembledKernelsThatLieAreLeftToThePtx) {
  std::string cubin = gpuCubin();
  auto loads = [&](const std::string &image) {
    writeBundle(directory.path, gpuManifest(), {{"kernels.cubin", image}, {"kernels.ptx", gpuModule()}});
    size_t first = cuda.calls.size();
    EXPECT_EQ(openStatus(), MLA_OK) << mla_last_error();
    return std::count(cuda.calls.begin() + first, cuda.calls.end(), "cuModuleLoadDataEx");
  };
  cuda.refusesCubin = true; // whoever gives it the cubin asks twice
  EXPECT_EQ(loads(cubin), 2);
  EXPECT_EQ(loads(cubin.substr(0, 100)), 1);
}

static std::string changed(std::string image, const std::function<void(Elf64_Ehdr &, Elf64_Shdr &)> &change) {
  auto *header = reinterpret_cast<Elf64_Ehdr *>(image.data());
  change(*header, *reinterpret_cast<Elf64_Shdr *>(image.data() + header->e_shoff));
  return image;
}

TEST(Cubin, MustBeWhole) {
  std::string image = gpuCubin();
  EXPECT_TRUE(isWholeCubin(image));
  for (size_t bytes = 0; bytes < image.size(); ++bytes)
    EXPECT_FALSE(isWholeCubin(image.substr(0, bytes))) << bytes;
  const std::function<void(Elf64_Ehdr &, Elf64_Shdr &)> lies[] = {
      [](auto &header, auto &) { header.e_ident[0] = 'x'; },
      [](auto &header, auto &) { header.e_ident[EI_CLASS] = ELFCLASS32; },
      [](auto &header, auto &) { header.e_machine = EM_X86_64; },
      [](auto &header, auto &) { header.e_shoff = UINT64_MAX - 8; },
      [](auto &header, auto &) { header.e_shentsize = 1; },
      [](auto &header, auto &) { header.e_shnum = 65535; },
      [](auto &header, auto &) { header.e_shstrndx = header.e_shnum; },
      [](auto &header, auto &) { header.e_phnum = 1, header.e_phentsize = sizeof(Elf64_Phdr), header.e_phoff = ~0ull; },
      [](auto &header, auto &) { header.e_phnum = 65535, header.e_phentsize = sizeof(Elf64_Phdr); },
      [](auto &, auto &section) { section.sh_offset = UINT64_MAX; },
      [](auto &, auto &section) { section.sh_size = UINT64_MAX; },
      [](auto &, auto &section) { --section.sh_size; }, // the last name has no end
  };
  for (size_t i = 0; i < std::size(lies); ++i)
    EXPECT_FALSE(isWholeCubin(changed(image, lies[i]))) << i;
}
