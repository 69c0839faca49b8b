# A whole guest in 512 bytes that proves on its disk how often it booted: adds one to the counter in
# the second sector, says so on its serial port, then writes the third sector every half second, so
# that it notices a disk that went away.
#
#   as --32 boot_counter.S -o counter.o && ld -m elf_i386 -Ttext 0x7c00 --oformat binary …

	.set	SERIAL, 0x3f8
	.set	COUNTER, 0x7e00			# where the second sector is read to

	.code16
	.globl	_start
_start:
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$0x7c00, %sp
	movb	%dl, drive
	movw	$0x0201, %ax			# read one sector
	movw	$0x0002, %cx			# cylinder 0, sector 2
	call	transfer
	jc	failed
	incw	COUNTER
	movw	$0x0301, %ax			# write it back
	movw	$0x0002, %cx
	call	transfer
	jc	failed
	movw	$hello, %si
	call	say
beat:
	movw	$9, %cx				# ticks of 55 ms
tick:
	sti
	hlt
	loop	tick
	movw	$0x0301, %ax
	movw	$0x0003, %cx
	call	transfer
	jmp	beat

transfer:
	xorb	%dh, %dh
	movb	drive, %dl
	movw	$COUNTER, %bx
	int	$0x13
	ret

failed:
	movw	$no_disk, %si
	call	say
	jmp	.

say:
	lodsb
	testb	%al, %al
	jz	said
	movw	$SERIAL, %dx
	outb	%al, %dx
	jmp	say
said:
	ret

hello:	.asciz	"up\r\n"
no_disk: .asciz	"no disk\r\n"
drive:	.byte	0
	.org	510
	.word	0xaa55				# what makes the BIOS boot it
