//! What the production wasm has in place of the standard library's: a panic handler that says nothing, so
//! that no formatting code is linked (a third of the module otherwise), and a small allocator. The core
//! cannot panic; a panic elsewhere traps, which TypeScript reports as `ERR_PANIC` (J1).

#![allow(unsafe_code)]

use ::core::alloc::{GlobalAlloc, Layout};
use ::core::arch::wasm32::{memory_grow, memory_size, unreachable};
use ::core::cell::Cell;
use ::core::ptr::{self, NonNull};

/// Blocks of sixteen bytes and of each larger power of two. One that is given back waits in the list of its
/// size for the next that needs as much, so the memory grows with what is held at one time, not with how
/// often it is taken (J3). Nothing is ever joined or split.
struct Blocks {
    /// For each power of two, the block that was given back last; it begins with the address of the one
    /// before it.
    free: [Cell<*mut u8>; 32],
    /// From here on no block was ever handed out.
    fresh: Cell<*mut u8>,
}

/// Blocks are at multiples of it, and no type needs more.
const ALIGN: usize = 16;
const PAGE: usize = 1 << 16;

#[global_allocator]
static BLOCKS: Blocks = Blocks {
    free: [const { Cell::new(ptr::null_mut()) }; 32],
    fresh: Cell::new((&raw const __heap_base).cast_mut()),
};

unsafe extern "C" {
    /// Where the linker has put nothing any more, at a multiple of `ALIGN`.
    static __heap_base: u8;
}

// SAFETY: this module is instantiated once per realm, without shared memory or threads.
unsafe impl Sync for Blocks {}

impl Blocks {
    /// The list that blocks for this come from, and their size.
    fn list(&self, layout: Layout) -> (&Cell<*mut u8>, usize) {
        debug_assert!(layout.align() <= ALIGN);
        let power = usize::BITS - ((layout.size() - 1) | (ALIGN - 1)).leading_zeros();
        // SAFETY: no layout is larger than half the address space.
        (unsafe { self.free.get_unchecked(power as usize) }, 1 << power)
    }
}

// SAFETY: a block is in one place at a time: handed out, in the list of its size, or part of what is fresh.
// One that is handed out is as large and as aligned as it has to be.
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (list, size) = self.list(layout);
        let mut block = list.get();
        if block.is_null() {
            block = self.fresh.get();
            let left = (memory_size(0) * PAGE).wrapping_sub(block as usize);
            if size > left && memory_grow(0, size.div_ceil(PAGE)) == usize::MAX {
                unreachable(); // out of memory
            }
            self.fresh.set(block.wrapping_add(size));
        } else {
            // SAFETY: `dealloc` has written it.
            list.set(unsafe { block.cast::<*mut u8>().read() });
        }
        // SAFETY: both kinds are above the stack. Said aloud, it spares the code for a failure.
        unsafe { NonNull::new_unchecked(block) }.as_ptr()
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let (list, _) = self.list(layout);
        // SAFETY: a block has room for an address, and is nobody's now.
        unsafe { block.cast::<*mut u8>().write(list.replace(block)) };
    }
}

#[panic_handler]
fn panic(_: &::core::panic::PanicInfo) -> ! {
    unreachable()
}
