import type { Line, QuestionType } from '../line.ts'
import type { TranscriptStep } from '../steps.ts'

/** A `!` line: an answer of the host. */
export type AnswerLine = Extract<Line, { type: 'answer' }>

/**
 * The host's answers in one step. An answer is found by the type of its question and its number among the questions of
 * that type: the second question about a sender gets the second such answer.
 */
export class HostScript {
  readonly #answers = new Map<QuestionType, (AnswerLine | undefined)[]>()

  constructor(step: TranscriptStep) {
    step.serverLines.forEach((line, index) => {
      if (line.type !== 'question') return
      const next = step.serverLines[index + 1]
      const answers = this.#answers.get(line.about) ?? []
      this.#answers.set(line.about, [...answers, next?.type === 'answer' ? next : undefined])
    })
  }

  /** Returns the answer to the next question of this type, or undefined if the host accepts. */
  next(about: QuestionType): AnswerLine | undefined {
    return this.#answers.get(about)?.shift()
  }

  /** Returns the answers to questions that were not asked. */
  rest(): AnswerLine[] {
    return [...this.#answers.values()].flat().filter(answer => answer !== undefined)
  }
}
