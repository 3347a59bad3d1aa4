/** The outside answers here again and again, whether or not anybody still wants it. UDP. */
export const lateAnswerPort = 5454;
