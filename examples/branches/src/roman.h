#ifndef ROMAN_H
#define ROMAN_H

/* Writes the Roman numeral of a number from 1 to 3999, at most 15 letters. Returns 0, or -1 for another number. */
int roman_from_number(int number, char text[16]);

/* The number that a Roman numeral stands for, or -1 when the text is none. */
int number_from_roman(const char *text);

#endif
