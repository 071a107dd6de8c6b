//===- SharedMemory.h - Shared memory with race detection -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shared memory of one block. Each word of 4 bytes knows which agent wrote
// it last and when, and when each agent read it last. An access is checked
// against the clock of who makes it (Clock.h), whatever the order is in which
// the emulator runs warps: a race is found in any schedule.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_SHAREDMEMORY_H
#define MLA_EMULATOR_SHAREDMEMORY_H

#include "Chip.h"
#include "Clock.h"

#include <cstring>
#include <memory>
#include <vector>

namespace mla::emulator {

/// An access: who makes it, when, what has happened before, and the index of the instruction.
struct Accessor {
  unsigned agent;
  Time time; ///< Its own; `never` for a copy that has not completed.
  const Clock &clock;
  uint32_t pc;
  bool isAsync; ///< Through the asynchronous proxy.
};

/// An earlier access that nothing orders before the one that was checked.
struct Conflict {
  enum Kind { None, Write, UnfencedWrite, Read } kind = None;
  uint32_t address = 0;
  unsigned agent = 0;
  Time time = 0;
  uint32_t pc = 0;
  explicit operator bool() const { return kind != None; }
};

class SharedMemory {
public:
  /// Where shared memory starts in the shared window; below lies the system's part.
  static constexpr uint32_t base = 1024;
  static constexpr uint32_t maxBytes = chip::maxSharedBytes + base; ///< A block's.

  /// Initializes the memory of a CTA with 0xff, uninitialized.
  void begin(const Agents &agents, uint32_t bytes);

  uint32_t size() const { return bytes; }
  bool contains(uint32_t address, uint32_t count) const {
    return address >= base && address - base <= bytes && count <= bytes - (address - base);
  }
  uint8_t *contents(uint32_t address) { return data.data() + (address - base); }
  /// One byte per byte; not 0 if uninitialized.
  uint8_t *undefined(uint32_t address) { return unwritten.data() + (address - base); }
  bool anyUndefined(uint32_t address, uint32_t count) {
    const uint8_t *u = undefined(address);
    uint8_t any = 0;
    for (uint32_t i = 0; i < count; ++i)
      any |= u[i];
    return any;
  }

  /// Check an access of the words that hold `count` bytes, and note it if it is right.
  Conflict read(uint32_t address, uint32_t count, const Accessor &by);
  Conflict write(uint32_t address, uint32_t count, const Accessor &by);
  /// Sets the time of words whose copy has completed.
  void complete(uint32_t address, uint32_t count, Time time);

private:
  struct Words {
    uint32_t first, end;
  };
  static Words wordsOf(uint32_t address, uint32_t count) {
    return {(address - base) / 4, (address - base + count + 3) / 4};
  }
  friend class ChunkReader;
  Conflict checkWrites(Words words, const Accessor &by) const;
  Conflict checkReads(Words words, const Accessor &by) const;
  Time *readsOf(unsigned agent, Time time);

  Agents agents{0};
  uint32_t bytes = 0;
  std::vector<uint8_t> data, unwritten;
  // By word.
  std::vector<uint8_t> writer;
  std::vector<Time> written;
  std::vector<uint32_t> writePc, readPc;
  std::vector<std::vector<Time>> reads; ///< By agent that reads; empty before its first.
  std::vector<unsigned> readers;        ///< Those that are not empty.
  std::vector<Time> latestRead;         ///< Of each of these anywhere, by agent.
};

/// Reads of many chunks of 16 bytes by one access.
class ChunkReader {
public:
  ChunkReader(SharedMemory &memory, const Accessor &by)
      : memory(memory), by(by), times(memory.readsOf(by.agent, by.time)) {}
  void read(uint32_t address) {
    uint32_t word = (address - SharedMemory::base) / 4;
    uint8_t others = 0;
    Time otherTimes = 0;
    for (uint32_t i = word; i < word + 4; ++i) {
      others |= memory.writer[i] ^ lastWriter;
      otherTimes |= memory.written[i] ^ lastTime;
    }
    if (others || otherTimes)
      for (uint32_t i = word; i < word + 4; ++i)
        check(i);
    std::fill(times + word, times + word + 4, by.time);
    std::fill(&memory.readPc[word], &memory.readPc[word] + 4, by.pc);
  }
  const Conflict &conflict() const { return found; }

private:
  void check(uint32_t word);
  SharedMemory &memory;
  const Accessor &by;
  Time *times;
  uint8_t lastWriter = 0; ///< Known to be right: time 0 is.
  Time lastTime = 0;
  Conflict found;
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_SHAREDMEMORY_H
