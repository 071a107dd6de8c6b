//===- Cubin.cpp - Bounds checks of assembled kernels ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cubin.h"

#include <cstdint>
#include <cstring>
#include <elf.h>

using namespace mla;

static bool isInside(std::string_view image, uint64_t offset, uint64_t bytes) {
  return offset <= image.size() && bytes <= image.size() - offset;
}

/// Copies a header from any address; returns false if it is not entirely inside.
template <typename Header> static bool read(std::string_view image, uint64_t offset, Header &header) {
  if (!isInside(image, offset, sizeof(header)))
    return false;
  std::memcpy(&header, image.data() + offset, sizeof(header));
  return true;
}

static bool isElfForCuda(const Elf64_Ehdr &header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_machine == EM_CUDA &&
         (header.e_phnum == 0 || header.e_phentsize == sizeof(Elf64_Phdr)) &&
         header.e_shentsize == sizeof(Elf64_Shdr) && header.e_shstrndx < header.e_shnum;
}

static bool isWhole(std::string_view image, const Elf64_Phdr &segment) {
  return segment.p_type == PT_NULL || isInside(image, segment.p_offset, segment.p_filesz);
}

static bool isWhole(std::string_view image, const Elf64_Shdr &section) {
  if (section.sh_type == SHT_NULL || section.sh_type == SHT_NOBITS || section.sh_size == 0)
    return true;
  // The last name must be terminated too.
  return isInside(image, section.sh_offset, section.sh_size) &&
         (section.sh_type != SHT_STRTAB || image[section.sh_offset + section.sh_size - 1] == '\0');
}

template <typename Entry> static bool isWholeTable(std::string_view image, uint64_t offset, unsigned count) {
  Entry entry;
  for (unsigned i = 0; i < count; ++i) {
    // A table that begins inside has no offset that overflows.
    if (offset > image.size() || !read(image, offset + i * sizeof(entry), entry) || !isWhole(image, entry))
      return false;
  }
  return true;
}

bool mla::isWholeCubin(std::string_view image) {
  Elf64_Ehdr header;
  return read(image, 0, header) && isElfForCuda(header) &&
         isWholeTable<Elf64_Phdr>(image, header.e_phoff, header.e_phnum) &&
         isWholeTable<Elf64_Shdr>(image, header.e_shoff, header.e_shnum);
}
