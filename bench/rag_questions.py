"""Questions about this project's docs and course, each with words of the passage that answers it.

TUNED are those that search was tuned on. HELD_OUT were written after that by somebody who did not look at what search finds
for them, and are never tuned on: whoever changes search reports both. A passage stands once in its page.
"""

TUNED = {
    "docs/architecture.md": [
        ("Which script enforces which folder may include which?", "reads this table and fails when a file includes a folder"),
        ("Where are unit tests kept?", "Unit tests stand beside their source"),
        ("How is a message that contains <|im_end|> kept from ending itself?", "so that `<|im_end|>` in a message is text"),
        ("How many lines may a source file have?", "Files have at most 500 lines"),
        ("Why is the sampler's exponential function the same on all machines?", "exp2 of the sampler needs no fused multiply-add"),
        ("What has to be written to support another model family?", "one `loader/arch_NAME.cpp` that says what differs"),
        ("Why do drafts never have to be undone?", "Drafts need no undo on the device"),
        ("How can a query see attention sinks at the right distance?", "A query is turned a second time"),
    ],
    "docs/engine.md": [
        ("How many positions does a block of keys and values have?", "K and V live in blocks of 32 positions"),
        ("What happens when a sequence needs memory and none is free?", "When a running sequence needs a block and none is free"),
        ("What is the token budget of a step?", "A step computes at most `--max-num-batched-tokens` tokens"),
        ("Why are the bits of an answer independent of other users?", "So the bits of an answer do not depend on its neighbours"),
        ("How long may the engine spend copying blocks from disk between steps?", "for an eighth of a step's time, or 2 ms"),
        ("Does a request with a stop string ever send half of it?", "never half a UTF-8 character, and nothing that may yet become a stop string"),
        ("How are keys laid out in memory on the CPU?", "keys transposed (`[head_dim][block]`)"),
        ("How can I find the layer that computes wrongly?", "writes each layer's output as NumPy files"),
        ("What does a draft model share with the main model?", "a second backend and decoder over the same block tables"),
    ],
    "docs/serving.md": [
        ("What does a client get when too many answers are waiting?", "answers that may wait; further requests get 429"),
        ("How can urgent requests go first?", "the field `priority` of a request counts"),
        ("What happens with fields in a request that are unknown?", "a field that the server does not know is refused"),
        ("How many earlier responses can a conversation go on from?", "goes on from one of the latest 1,000 answers"),
        ("Where does the chat page save conversations?", "Conversations are kept in the browser"),
        ("Is the API key stored by the web page?", "The API key is kept for the tab alone"),
        ("Which version of LangChain or litellm was tested?", "as `openai/` and as `hosted_vllm/`"),
    ],
    "docs/long-context.md": [
        ("How can I extend a model to four times its trained length?", "can read 131072 with `--rope-scaling yarn:4`"),
        ("Why must the first tokens stay visible with a sliding window?", "Models put weight that they need nowhere else on the first tokens"),
        ("What does perplexity become with a window of 256?", "| `--window 256` | 46.80 |"),
        ("Are sinks supported with CUDA?", "`--sinks` is refused"),
        ("How large are the stored keys and values of one token?", "for each token some 10 to 60 KB with small models"),
        ("How do I see how many tokens of my prompt were cached?", "says how many tokens were found"),
        ("Which metric counts corrupt blocks in the store?", "blocks whose checksum was wrong"),
    ],
    "docs/moe.md": [
        ("How many experts does a token use in Qwen3-MoE?", "| experts of a layer, of which a token uses | 60, 4 | 128, 8 |"),
        ("How does the router choose between experts with equal scores?", "of equals the lower number"),
        ("How fast is mixture-of-experts decoding compared with ik_llama.cpp?", "| decode of 64 tokens | 1.51 |"),
        ("Which command shows which experts were busy?", "shows where the time goes and which experts were busy"),
        ("How is the shared expert computed?", "expert is one more expert that every token chose"),
    ],
    "docs/speculation.md": [
        ("Does speculative decoding change the answer?", "The text stays the same, to the bit"),
        ("How many tokens of old answers are remembered for drafting?", "between 16,384 and 32,768 tokens of each of at most 16 salts"),
        ("What speedup do edits get from a draft model?", "| edit | 29.7 | 57.9 | 1.95 | 2.5 |"),
        ("When does a draft model stop guessing because it does not pay?", "drafts of a text have cost more time than they saved"),
        ("Can the draft model have a different vocabulary size?", "Its embedding may have fewer or more rows"),
        ("Where do drafts come from if a grammar permits just one token?", "Where a grammar leaves no choice, its token is the draft"),
    ],
    "docs/tools.md": [
        ("How do I limit how long a model thinks?", "is the number of tokens that the model may think"),
        ("Does tool_choice required guarantee a call?", "the answer is calls (at most 16) and nothing else"),
        ("How is an invalid tool call reported back?", "that says what was wrong; so does a call that `max_tokens` cuts"),
        ("Where is the reasoning text in the answer?", "stands in `reasoning_content`"),
    ],
    "docs/gpu.md": [
        ("How do I get identical text on a GPU whatever the batch?", "in a crowd, from the prefix cache, after preemption and with drafts, as on the CPU"),
        ("What throughput has 7B in bf16 on an H200 compared to vLLM?", "vLLM 0.26 on the same kind of card"),
        ("How much slower is deterministic mode?", "Nothing in 7B up to 8 together, 13 % in small models"),
        ("Does the binary start on a machine without an NVIDIA driver?", "The binary links neither driver nor cuBLASLt"),
    ],
    "docs/troubleshooting.md": [
        ("Why does a 98 MB model need gigabytes in the server?", "Its KV cache is made for 32 full contexts"),
        ("tokenizer.ggml.pre is missing, what now?", "the file was converted before April 2024"),
        ("Llama 2 is rejected because of its tokenizer", "models such as Llama 2, TinyLlama and Mistral 7B"),
        ("The downloaded model file seems damaged, how do I check and repair it?", "`./tiny pull NAME` fetches what differs"),
        ("My processor lacks AVX-512 and the program complains", "names kernels that the CPU lacks"),
    ],
    "docs/install.md": [
        ("Which compiler and CMake version are needed?", "CMake 3.25 and g++ 12 or newer"),
        ("How do I uninstall or delete what was built?", "`rm -r build`"),
        ("Does it run in docker?", "No container engine has tried it yet"),
        ("How does the CUDA build find nvcc?", "If `nvcc` is on the path or in `/usr/local/cuda/bin`"),
        ("Where is my typed chat history and how can I turn it off?", "`--no-history` keeps nothing"),
    ],
    "docs/models.md": [
        ("Which quantised GGUF formats can be loaded?", "F32, F16, BF16, Q4_0, Q4_1, Q5_0"),
        ("How many bits per weight has q8_0 and when should I take it?", "you want the answers of the float model and have the memory"),
        ("What is the licence and size of the 1.5B coder model?", "| `qwen2.5-coder-1.5b` | Qwen2.5-Coder-1.5B-Instruct, Q4_K_M |"),
        ("Can weights be quantised while loading?", "quantises the float weights of a model while it loads"),
    ],
    "docs/retrieval.md": [
        ("What happens to a text that is longer than the embedding model reads?", "A text that is longer than the model reads is cut at its end"),
        ("Can embeddings be shortened to fewer dimensions?", "keep the first N numbers, at length 1 again"),
        ("Do embedding requests slow down the health check?", "`/health`, streams and the prompts of other requests do not wait for them"),
        ("How close are int8 embeddings to float ones?", "its vectors have a cosine of at least 0.999 to those of f32"),
    ],
    "course/README.md": [
        ("Do I need to know Python to take the course?", "You know basic C++ (loops, pointers, functions) and what a dot product is"),
        ("How does my file replace the engine's version of an operator?", "so the linker takes yours"),
        ("What do I lose if the course and I both edited the same line?", "your version is kept, and it says how to see the other"),
        ("Which keys help me when a task's test stays red?", "`h` shows the next hint"),
        ("Which file of a task lists known mistakes?", "`tinyllm learn record ID` writes what they answer into"),
    ],
    "course/week1/1.1-attention/lesson.md": [
        ("Why is the dot product of query and key divided?", "Squares add up: 64 products of size 1 make a sum of about the root of 64"),
        ("How much more work is attention for a text of double length?", "Four times as many: each of twice as many tokens looks at twice as many"),
        ("What is the result of attention if every key is the same?", "If all keys are equal, the output is the mean of the values"),
    ],
    "course/week1/1.3-grouped-attention/lesson.md": [
        ("How many bytes of cache does one token of SmolLM2 need?", "SmolLM2, 16 bit = 2 * 30 * 3 * 64 * 2 = 23,040"),
        ("Who invented multi-query attention?", "saw that a new token's time goes into reading keys"),
        ("Why is the mask added before the softmax?", "A weight that is set to 0 afterwards would leave a sum below 1"),
    ],
    "course/week0/0.0-one-token/lesson.md": [
        ("How big is the vocabulary of SmolLM2?", "SmolLM2, the small model of this course, knows 49152 of them"),
        ("What does the MLP do with a token's vector?", "576 numbers become 1536, pass through a curve (SiLU), and become 576 again"),
        ("How many parameters do all the layers have together?", "| 30 layers | 106 million |"),
    ],
    "course/week0/0.1-first-words/lesson.md": [
        ("Which errors in an operator cannot be noticed in the text?", "eps in the wrong place changes no word here"),
        ("Why does the model always reply the same?", "It takes the largest score; there is no chance in it"),
    ],
    "course/week0/0.2-index-matmul-softmax/lesson.md": [
        ("Why may a constant be subtracted in softmax?", "the same factor above and below the fraction line"),
    ],
}  # fmt: skip

HELD_OUT = {
}  # fmt: skip
