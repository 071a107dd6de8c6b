//===- SharedMemory.cpp - Shared memory with race detection ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedMemory.h"

using namespace mla::emulator;

void SharedMemory::begin(const Agents &ofBlock, uint32_t size) {
  size_t words = (size + 3) / 4;
  agents = ofBlock;
  bytes = size;
  data.assign(4 * words, 0xff);
  unwritten.assign(4 * words, 1);
  writer.assign(words, 0);
  written.assign(words, 0);
  writePc.assign(words, 0);
  readPc.assign(words, 0);
  reads.resize(agents.readers());
  latestRead.resize(agents.readers());
}

/// For reads at a time.
Time *SharedMemory::readsOf(unsigned agent, Time time) {
  std::vector<Time> &times = reads[agent];
  if (times.empty()) {
    times.assign(written.size(), 0);
    readers.push_back(agent);
  }
  latestRead[agent] = std::max(latestRead[agent], time);
  return times.data();
}

Conflict SharedMemory::checkWrites(Words words, const Accessor &by) const {
  for (uint32_t word = words.first; word < words.end; ++word) {
    unsigned agent = writer[word];
    Time time = written[word];
    bool needsFence = by.isAsync && agents.isGeneric(agent);
    if ((needsFence ? by.clock.fenced : by.clock.all)[agent] >= time)
      continue;
    bool isOrdered = by.clock.all[agent] >= time;
    return {isOrdered ? Conflict::UnfencedWrite : Conflict::Write, base + 4 * word, agent, time, writePc[word]};
  }
  return {};
}

Conflict SharedMemory::checkReads(Words words, const Accessor &by) const {
  for (unsigned reader : readers) {
    const Time *times = reads[reader].data();
    Time seen = by.clock.all[reader], latestHere = 0;
    if (latestRead[reader] <= seen)
      continue;
    for (uint32_t word = words.first; word < words.end; ++word)
      latestHere = std::max(latestHere, times[word]);
    if (latestHere <= seen)
      continue;
    uint32_t word = words.first;
    while (times[word] <= seen)
      ++word;
    return {Conflict::Read, base + 4 * word, reader, times[word], readPc[word]};
  }
  return {};
}

Conflict SharedMemory::read(uint32_t address, uint32_t count, const Accessor &by) {
  Words words = wordsOf(address, count);
  if (Conflict conflict = checkWrites(words, by))
    return conflict;
  Time *times = readsOf(by.agent, by.time);
  std::fill(times + words.first, times + words.end, by.time);
  std::fill(&readPc[words.first], &readPc[words.first] + (words.end - words.first), by.pc);
  return {};
}

Conflict SharedMemory::write(uint32_t address, uint32_t count, const Accessor &by) {
  Words words = wordsOf(address, count);
  if (Conflict conflict = checkWrites(words, by))
    return conflict;
  if (Conflict conflict = checkReads(words, by))
    return conflict;
  for (uint32_t word = words.first; word < words.end; ++word) {
    writer[word] = static_cast<uint8_t>(by.agent);
    written[word] = by.time;
    writePc[word] = by.pc;
  }
  return {};
}

void SharedMemory::complete(uint32_t address, uint32_t count, Time time) {
  Words words = wordsOf(address, count);
  std::fill(&written[words.first], &written[words.first] + (words.end - words.first), time);
}

void ChunkReader::check(uint32_t word) {
  if (found)
    return;
  found = memory.checkWrites({word, word + 1}, by);
  lastWriter = memory.writer[word];
  lastTime = memory.written[word];
}
