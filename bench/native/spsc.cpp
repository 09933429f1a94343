// The physical neighbour of the rings: a single-producer single-consumer byte queue in C++ with the same records (8-byte
// header, 8-byte aligned payload, padding at the wrap, cached positions), measured as bench/ring.ts measures ours. Both
// sides of a transfer poll; a round trip polls or sleeps.
//
//   spsc throughput PAYLOAD BATCH WARM_UP RECORDS   prints milliseconds
//   spsc latency poll|sleep WARM_UP ROUNDS          prints p50 and p99 in microseconds
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr uint32_t kCapacity = 1u << 20;
constexpr uint32_t kHeader = 8;
constexpr uint32_t kPadding = 1;

struct Header {
  uint32_t length;
  uint32_t kind;
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::_Exit(1);
}

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Positions run freely; their difference is what is in flight. Each side owns one and caches the other's, on lines of
// their own. Release on publish and acquire on the other side's load make the payload visible before the position.
class Queue {
 public:
  // Producer: room for a payload, or nullptr when the queue is full.
  uint8_t* claim(uint32_t length) {
    const uint32_t size = kHeader + ((length + 7) & ~7u);
    const uint32_t at = written_ & (kCapacity - 1);
    const uint32_t skip = at + size > kCapacity ? kCapacity - at : 0;
    if (written_ + skip + size - cached_head_ > kCapacity) {
      cached_head_ = head_.load(std::memory_order_acquire);
      if (written_ + skip + size - cached_head_ > kCapacity) return nullptr;
    }
    if (skip > 0) {
      header(at, {skip - kHeader, kPadding});
      written_ += skip;
    }
    const uint32_t start = written_ & (kCapacity - 1);
    header(start, {length, 0});
    written_ += size;
    return data_.get() + start + kHeader;
  }

  void publish() { tail_.store(written_, std::memory_order_release); }

  // Consumer: the next payload, or nullptr when the queue is empty.
  const uint8_t* peek(uint32_t* length) {
    for (;;) {
      if (read_ == cached_tail_) {
        cached_tail_ = tail_.load(std::memory_order_acquire);
        if (read_ == cached_tail_) return nullptr;
      }
      const uint32_t at = read_ & (kCapacity - 1);
      Header found;
      std::memcpy(&found, data_.get() + at, sizeof found);
      taken_ = kHeader + ((found.length + 7) & ~7u);
      if (found.kind != kPadding) {
        *length = found.length;
        return data_.get() + at + kHeader;
      }
      release();
    }
  }

  void release() {
    read_ += taken_;
    head_.store(read_, std::memory_order_release);
  }

  // For sleeping rounds: the consumer sleeps on the tail itself.
  void wake() { tail_.notify_one(); }
  void sleep() { tail_.wait(read_, std::memory_order_acquire); }

 private:
  void header(uint32_t at, Header value) { std::memcpy(data_.get() + at, &value, sizeof value); }

  alignas(128) std::atomic<uint32_t> tail_{0};
  alignas(128) std::atomic<uint32_t> head_{0};
  alignas(128) uint32_t written_ = 0;
  uint32_t cached_head_ = 0;
  alignas(128) uint32_t read_ = 0;
  uint32_t cached_tail_ = 0;
  uint32_t taken_ = 0;
  alignas(128) std::unique_ptr<uint8_t[]> data_{new uint8_t[kCapacity]()};
};

void fill(uint8_t* payload, uint32_t n, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes / 4; i++) {
    const uint32_t word = n + i;
    std::memcpy(payload + 4 * i, &word, 4);
  }
}

void verify(const uint8_t* payload, uint32_t n, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes / 4; i++) {
    uint32_t word;
    std::memcpy(&word, payload + 4 * i, 4);
    if (word != n + i) fail("a record is wrong");
  }
}

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double, std::micro>(Clock::now() - start).count(); }

void take(Queue& queue, uint32_t n, uint32_t bytes, bool sleeping) {
  uint32_t length = 0;
  const uint8_t* payload;
  while ((payload = queue.peek(&length)) == nullptr) {
    if (sleeping) queue.sleep();
    else relax();
  }
  if (length != bytes) fail("a record has another length");
  verify(payload, n, bytes);
  queue.release();
}

void put(Queue& queue, uint32_t n, uint32_t bytes) {
  uint8_t* payload;
  while ((payload = queue.claim(bytes)) == nullptr) {
    queue.publish();
    relax();
  }
  fill(payload, n, bytes);
}

void throughput(uint32_t bytes, uint32_t batch, uint32_t warm_up, uint32_t records) {
  auto queue = std::make_unique<Queue>();
  const uint32_t total = warm_up + records;
  std::thread producer([&] {
    for (uint32_t n = 0; n < total; n++) {
      put(*queue, n, bytes);
      if ((n + 1) % batch == 0) queue->publish();
    }
    queue->publish();
  });
  Clock::time_point start;
  for (uint32_t n = 0; n < total; n++) {
    if (n == warm_up) start = Clock::now();
    take(*queue, n, bytes, false);
  }
  const double microseconds = since(start);
  producer.join();
  std::printf("%.6f\n", microseconds / 1000);
}

void latency(bool sleeping, uint32_t warm_up, uint32_t rounds) {
  constexpr uint32_t kBytes = 8;
  auto there = std::make_unique<Queue>();
  auto back = std::make_unique<Queue>();
  std::thread answerer([&] {
    for (uint32_t n = 0; n < warm_up + rounds; n++) {
      take(*there, n, kBytes, sleeping);
      put(*back, n, kBytes);
      back->publish();
      if (sleeping) back->wake();
    }
  });
  std::vector<double> times;
  times.reserve(rounds);
  for (uint32_t n = 0; n < warm_up + rounds; n++) {
    const auto start = Clock::now();
    put(*there, n, kBytes);
    there->publish();
    if (sleeping) there->wake();
    take(*back, n, kBytes, sleeping);
    if (n >= warm_up) times.push_back(since(start));
  }
  answerer.join();
  std::sort(times.begin(), times.end());
  std::printf("%.6f %.6f\n", times[times.size() / 2], times[times.size() * 99 / 100]);
}

uint32_t number(const char* text) { return static_cast<uint32_t>(std::strtoul(text, nullptr, 10)); }

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "throughput" && argc == 6) {
    throughput(number(argv[2]), number(argv[3]), number(argv[4]), number(argv[5]));
  } else if (what == "latency" && argc == 5) {
    latency(std::string(argv[2]) == "sleep", number(argv[3]), number(argv[4]));
  } else {
    fail("usage: spsc throughput PAYLOAD BATCH WARM_UP RECORDS | spsc latency poll|sleep WARM_UP ROUNDS");
  }
}
