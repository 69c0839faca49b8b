# A whole guest in 512 bytes: boots within 0.1 s under plain emulation, says "up" on its serial
# port, idles, and does what the keyboard (virsh send-key) or the power button tells it.
#
#   p  powers itself off              c  panics (pvpanic device)
#   r  reboots                        d  goes deaf: ignores the power button from now on
#   w  writes its first sector to its second disk, and says "w" on its serial port when it is there
#
#   as --32 guest.S -o guest.o && ld -m elf_i386 -Ttext 0x7c00 --oformat binary guest.o -o guest.bin

# ACPI power management of QEMU's "pc" machine (PIIX4), where SeaBIOS puts it.
	.set	PM1_STATUS, 0x600
	.set	PM1_ENABLE, 0x602
	.set	PM1_CONTROL, 0x604
	.set	POWER_BUTTON, 0x100
	.set	SLEEP_S5, 0x2000		# SLP_EN with SLP_TYP 0, which is soft-off here
	.set	SERIAL, 0x3f8
	.set	PVPANIC, 0x505
	.set	RESET, 0xcf9

	.code16
	.globl	_start
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	sti
	movw	$PM1_ENABLE, %dx		# a press is only latched while it is enabled
	movw	$POWER_BUTTON, %ax
	outw	%ax, %dx
	movw	$hello, %si
	movw	$SERIAL, %dx
next_character:
	lodsb
	testb	%al, %al
	jz	idle
	outb	%al, %dx
	jmp	next_character

idle:
	hlt					# until the timer ticks or a key is pressed
	cmpb	$0, deaf
	jne	keyboard
	movw	$PM1_STATUS, %dx
	inw	%dx, %ax
	testw	$POWER_BUTTON, %ax
	jnz	power_off
keyboard:
	movb	$1, %ah
	int	$0x16				# is there a key?
	jz	idle
	xorb	%ah, %ah
	int	$0x16				# take it
	cmpb	$'p', %al
	je	power_off
	cmpb	$'c', %al
	je	panic
	cmpb	$'r', %al
	je	reboot
	cmpb	$'w', %al
	je	write
	cmpb	$'d', %al
	jne	idle
	movb	$1, deaf
	jmp	idle

power_off:
	movw	$PM1_CONTROL, %dx
	movw	$SLEEP_S5, %ax
	outw	%ax, %dx
	jmp	idle
panic:
	movw	$PVPANIC, %dx
	movb	$1, %al
	outb	%al, %dx
	jmp	idle
reboot:
	movw	$RESET, %dx
	movb	$6, %al
	outb	%al, %dx
	jmp	idle
write:
	xorw	%bx, %bx
	movw	%bx, %es
	movw	$_start, %bx
	movw	$0x301, %ax			# write one sector:
	movw	$1, %cx				# the first one
	movw	$0x81, %dx			# of the second disk
	int	$0x13
	jc	idle
	movw	$SERIAL, %dx
	movb	$'w', %al
	outb	%al, %dx
	jmp	idle

hello:	.asciz	"up\r\n"
deaf:	.byte	0
	.org	510
	.word	0xaa55				# what makes the BIOS boot it
