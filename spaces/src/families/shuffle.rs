//! Lists in the order that Python's `random.shuffle` leaves.
//!
//! It is the Mersenne Twister of Matsumoto & Nishimura (1998) with `CPython`'s seeding and shuffle.

/// The numbers below `count` as `random.seed(seed); random.shuffle(list)` leaves them.
pub(crate) fn shuffled(count: usize, seed: u32) -> Vec<u32> {
    let mut all: Vec<u32> = (0..count as u32).collect();
    let mut random = MersenneTwister::seeded(seed);
    for i in (1..all.len()).rev() {
        all.swap(i, random.below(i as u32 + 1) as usize);
    }
    all
}

const N: usize = 624;

struct MersenneTwister {
    state: [u32; N],
    next: usize,
}

impl MersenneTwister {
    /// `init_by_array` with one word.
    fn seeded(seed: u32) -> Self {
        let mut s = [0_u32; N];
        s[0] = 19_650_218;
        for i in 1..N {
            s[i] = spread(s[i - 1], 1_812_433_253).wrapping_add(i as u32);
        }
        let mut i = 1;
        for round in 0..2 * N - 1 {
            let mixed = if round < N {
                (s[i] ^ spread(s[i - 1], 1_664_525)).wrapping_add(seed)
            } else {
                (s[i] ^ spread(s[i - 1], 1_566_083_941)).wrapping_sub(i as u32)
            };
            s[i] = mixed;
            i += 1;
            if i == N {
                s[0] = s[N - 1];
                i = 1;
            }
        }
        s[0] = 0x8000_0000;
        Self { state: s, next: N }
    }

    fn twist(&mut self) {
        let s = &mut self.state;
        for i in 0..N {
            let y = (s[i] & 0x8000_0000) | (s[(i + 1) % N] & 0x7fff_ffff);
            s[i] = s[(i + 397) % N] ^ (y >> 1) ^ if y & 1 == 1 { 0x9908_b0df } else { 0 };
        }
        self.next = 0;
    }

    fn word(&mut self) -> u32 {
        if self.next == N {
            self.twist();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// A number below `n`: as many high bits as `n` has, until they fit.
    fn below(&mut self, n: u32) -> u32 {
        loop {
            let drawn = self.word() >> n.leading_zeros();
            if drawn < n {
                return drawn;
            }
        }
    }
}

fn spread(word: u32, factor: u32) -> u32 {
    (word ^ (word >> 30)).wrapping_mul(factor)
}
